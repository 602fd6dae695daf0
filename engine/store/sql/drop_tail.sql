-- Forget the raw records up to a sequence: newer ones have filled the tail.
DELETE FROM tail WHERE sequence <= ?;
