-- An id is a natural key: what is derived again is the same.
INSERT OR IGNORE INTO outbox (position, id, subject, payload)
VALUES (?, ?, ?, ?);
