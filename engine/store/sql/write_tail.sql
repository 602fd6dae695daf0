-- Keep raw records.
INSERT OR REPLACE INTO tail (sequence, record, payload)
VALUES (?, ?, ?);
