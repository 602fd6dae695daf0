-- The versions of a DAG, the newest first.
SELECT version, registered_at FROM serialized_dag WHERE dag_id = ? ORDER BY rowid DESC;
