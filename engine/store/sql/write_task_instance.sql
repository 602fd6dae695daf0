-- What a row does not say (NULL) of times and worker stays as an earlier one said it.
INSERT INTO task_instance (
    run, task, map_index, state, try_number, lost, lost_epoch, lost_number,
    flight_epoch, flight_number, due, started_at, ended_at, took, worker, reason, wait
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (run, task, map_index) DO UPDATE SET
    state = excluded.state,
    try_number = excluded.try_number,
    lost = excluded.lost,
    lost_epoch = excluded.lost_epoch,
    lost_number = excluded.lost_number,
    flight_epoch = excluded.flight_epoch,
    flight_number = excluded.flight_number,
    due = excluded.due,
    started_at = coalesce(excluded.started_at, started_at),
    ended_at = coalesce(excluded.ended_at, ended_at),
    took = coalesce(excluded.took, took),
    worker = coalesce(excluded.worker, worker),
    reason = excluded.reason,
    wait = excluded.wait;
