SELECT run, dag_id, logical_date, is_tick, version, missing FROM past_run ORDER BY run;
