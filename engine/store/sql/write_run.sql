-- What a run was triggered with never changes; what became of it does.
INSERT INTO run (
    run, dag_id, run_id, version, run_type, logical_date, interval_start, interval_end, conf,
    triggered_by, caused_by, triggered_at,
    state, live, started_at, ended_at, reason, stopping, counter, callbacks
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (run) DO UPDATE SET
    state = excluded.state,
    live = excluded.live,
    started_at = excluded.started_at,
    ended_at = excluded.ended_at,
    reason = excluded.reason,
    stopping = excluded.stopping,
    counter = excluded.counter,
    callbacks = excluded.callbacks;
