INSERT OR REPLACE INTO pool (name, slots)
VALUES (?, ?);
