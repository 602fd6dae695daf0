-- Up to where the log is folded.
INSERT OR REPLACE INTO position
    (only, sequence, record, hash, leader_epoch, epoch, number, place, now, redeliveries)
VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?);
