-- Every run that must be in memory, oldest first.
SELECT
    run, dag_id, run_id, version, run_type, logical_date, interval_start, interval_end, conf,
    triggered_by, caused_by, triggered_at,
    state, started_at, ended_at, reason, stopping, counter, callbacks
FROM run WHERE live ORDER BY number;
