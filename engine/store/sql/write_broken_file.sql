INSERT OR REPLACE INTO broken_file (file, error, line)
VALUES (?, ?, ?);
