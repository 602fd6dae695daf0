-- The raw records that are kept after a sequence.
SELECT sequence, record, payload FROM tail WHERE sequence > ? ORDER BY sequence;
