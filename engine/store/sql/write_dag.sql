INSERT OR REPLACE INTO dag (dag_id, version, paused, gone, since, last_tick, last_end)
VALUES (?, ?, ?, ?, ?, ?, ?);
