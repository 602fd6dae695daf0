-- The runs of a DAG for a logical date, the newest first.
SELECT * FROM run WHERE dag_id = ? AND logical_date = ? ORDER BY number DESC;
