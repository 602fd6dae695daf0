SELECT id, kind, at, task, map_index, caused_by, body FROM event
WHERE run = ? ORDER BY sequence, place;
