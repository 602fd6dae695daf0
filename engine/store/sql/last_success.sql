-- The run of the same DAG that succeeded last, by logical date, before the run :run.
SELECT interval_start, interval_end, started_at, ended_at FROM run
WHERE dag_id = (SELECT dag_id FROM run WHERE run = :run) AND state = 'success'
    AND logical_date < (SELECT logical_date FROM run WHERE run = :run)
ORDER BY logical_date DESC LIMIT 1;
