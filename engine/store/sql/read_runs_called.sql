-- The keys of the runs that a person may mean: by key or by run id, the newest first.
SELECT run FROM run WHERE run = :name OR run_id = :name ORDER BY run = :name DESC, number DESC;
