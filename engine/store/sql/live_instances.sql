-- What the fold needs of a run's instances.
SELECT
    task, map_index, state, try_number, lost, lost_epoch, lost_number,
    flight_epoch, flight_number, due, started_at, worker, wait
FROM task_instance WHERE run = ? ORDER BY task, map_index;
