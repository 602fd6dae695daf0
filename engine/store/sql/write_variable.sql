INSERT OR REPLACE INTO variable (key, value)
VALUES (?, ?);
