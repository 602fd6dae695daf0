INSERT OR REPLACE INTO xcom (run, task, map_index, key, xcom)
VALUES (?, ?, ?, ?, ?);
