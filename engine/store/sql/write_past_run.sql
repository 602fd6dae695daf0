INSERT OR REPLACE INTO past_run (run, dag_id, logical_date, is_tick, version, missing)
VALUES (?, ?, ?, ?, ?, ?);
