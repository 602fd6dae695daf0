-- The projection: all that the log folds to, and what of it people ask for.
-- Times are microseconds since 1970, UTC. A run is named by its key, <dag_id>/<run_id>.
-- Tables whose rows are found by their whole key are WITHOUT ROWID: one tree to write, not two.

-- Up to where the log is folded. epoch, number, place: the last fact; hash: SHA-256 of the record.
CREATE TABLE position (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    sequence INTEGER NOT NULL,
    record TEXT NOT NULL,
    hash TEXT NOT NULL,
    leader_epoch INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    place INTEGER NOT NULL,
    now INTEGER NOT NULL,
    redeliveries INTEGER NOT NULL
);

-- The newest records as they were read, to be appended again should the log lose them.
CREATE TABLE tail (
    sequence INTEGER PRIMARY KEY,
    record TEXT NOT NULL,
    payload BLOB NOT NULL
);

CREATE TABLE serialized_dag (
    version TEXT NOT NULL PRIMARY KEY,
    dag_id TEXT NOT NULL,
    registered_at INTEGER NOT NULL,
    dag TEXT NOT NULL
);

CREATE TABLE dag (
    dag_id TEXT NOT NULL PRIMARY KEY,
    version TEXT NOT NULL,
    paused INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    since INTEGER NOT NULL,
    last_tick INTEGER,
    last_end INTEGER
) WITHOUT ROWID;

CREATE TABLE broken_file (
    file TEXT NOT NULL PRIMARY KEY,
    error TEXT NOT NULL,
    line INTEGER
) WITHOUT ROWID;

-- number rises in the order of triggering. live: to be in memory after a start. stopping: why the
-- run is brought to its end. counter: notices so far. callbacks: asked for and not over, JSON.
CREATE TABLE run (
    number INTEGER PRIMARY KEY,
    run TEXT NOT NULL UNIQUE,
    dag_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    version TEXT NOT NULL,
    run_type TEXT NOT NULL,
    logical_date INTEGER,
    interval_start INTEGER,
    interval_end INTEGER,
    conf TEXT NOT NULL,
    triggered_by TEXT NOT NULL,
    caused_by TEXT NOT NULL,
    triggered_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    live INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    reason TEXT NOT NULL,
    stopping TEXT NOT NULL,
    counter INTEGER NOT NULL,
    callbacks TEXT NOT NULL
);
CREATE INDEX run_by_dag ON run (dag_id, number);
CREATE INDEX run_live ON run (number) WHERE live;

CREATE TABLE quarantined (
    run TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL
) WITHOUT ROWID;

-- What is said of a task of a run as a whole. rest: the state of instances without a row.
CREATE TABLE task_run (
    run TEXT NOT NULL,
    task TEXT NOT NULL,
    length INTEGER,
    rest TEXT NOT NULL,
    lengths TEXT NOT NULL,
    gathered INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (run, task)
) WITHOUT ROWID;

-- An undecided task has no row, an instance at rest neither. lost_*: what the infrastructure lost
-- of this try; flight_*: the delivery that runs.
CREATE TABLE task_instance (
    run TEXT NOT NULL,
    task TEXT NOT NULL,
    map_index INTEGER NOT NULL,
    state TEXT NOT NULL,
    try_number INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    lost_epoch INTEGER NOT NULL,
    lost_number INTEGER NOT NULL,
    flight_epoch INTEGER,
    flight_number INTEGER,
    due INTEGER,
    started_at INTEGER,
    ended_at INTEGER,
    took REAL,
    worker TEXT,
    reason TEXT NOT NULL,
    PRIMARY KEY (run, task, map_index)
) WITHOUT ROWID;

CREATE TABLE xcom (
    run TEXT NOT NULL,
    task TEXT NOT NULL,
    map_index INTEGER NOT NULL,
    key TEXT NOT NULL,
    xcom TEXT NOT NULL,
    PRIMARY KEY (run, task, map_index, key)
) WITHOUT ROWID;

-- The story: every fact, under each run that it concerns ('': none). body: the fact as JSON without
-- what has a table of its own (XComs, serialized DAGs).
CREATE TABLE event (
    run TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    place INTEGER NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    task TEXT NOT NULL,
    map_index INTEGER NOT NULL,
    at INTEGER NOT NULL,
    caused_by TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (run, sequence, place)
) WITHOUT ROWID;

-- What was derived for others and is not known to have reached them, oldest first. position: the
-- sequence that it follows from.
CREATE TABLE outbox (
    number INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    payload BLOB NOT NULL
);

CREATE TABLE pool (name TEXT NOT NULL PRIMARY KEY, slots INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE variable (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE worker (
    worker TEXT NOT NULL PRIMARY KEY,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    slots INTEGER NOT NULL,
    queues TEXT NOT NULL,
    joined_at INTEGER NOT NULL
) WITHOUT ROWID;
