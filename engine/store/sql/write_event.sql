INSERT OR REPLACE INTO event
    (run, sequence, place, id, kind, task, map_index, at, caused_by, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
