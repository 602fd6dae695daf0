-- Forget the raw records after a sequence: the log has others there now.
DELETE FROM tail WHERE sequence > ?;
