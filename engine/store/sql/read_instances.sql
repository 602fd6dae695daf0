-- The task instances of a run that have a row; with :task, of that task alone.
SELECT
    task, map_index, state, try_number, started_at, ended_at, took, worker, due, lost, reason
FROM task_instance
WHERE run = :run AND (:task IS NULL OR task = :task) ORDER BY task, map_index;
