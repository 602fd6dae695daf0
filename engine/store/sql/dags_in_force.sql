SELECT dag_id, version, paused, gone, since, last_tick, last_end FROM dag ORDER BY dag_id;
