INSERT OR REPLACE INTO quarantined (run, reason)
VALUES (?, ?);
