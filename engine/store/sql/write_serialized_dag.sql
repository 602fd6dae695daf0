-- A version is what its digest says: the first time is enough.
INSERT OR IGNORE INTO serialized_dag (version, dag_id, registered_at, dag)
VALUES (?, ?, ?, ?);
