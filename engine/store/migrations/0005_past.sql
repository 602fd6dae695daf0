-- Ended runs that later ones may ask what became of a task (depends_on_past). missing: the tasks
-- that did not end well, {task id: state}, as JSON. A run may be gone from `run` and be kept here.
CREATE TABLE past_run (
    run TEXT NOT NULL PRIMARY KEY,
    dag_id TEXT NOT NULL,
    logical_date INTEGER NOT NULL,
    is_tick INTEGER NOT NULL,
    version TEXT NOT NULL,
    missing TEXT NOT NULL
) WITHOUT ROWID;
