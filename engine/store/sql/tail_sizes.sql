SELECT sequence, length(payload) FROM tail ORDER BY sequence;
