"""What is in the log: facts, in records; attempts by name, XComs by description.

A *fact* (`Event`) is a cause, told in the past tense, immutable. The leader writes facts to the
stream LOG in *records*: all that gathered while the last append was under way share one. A fact has
no id of its own: it is `<epoch>-<number of the record>.<place in it>`, so it costs nothing and
rises with the log.

Times are integers: microseconds since 1970, UTC. A run is named by its key, `<dag_id>/<run_id>`;
an attempt by (run, task, map index, try). JSON on the wire, by msgspec. What leader and workers say
to each other beside the log is in `words` and `questions`.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

NOT_MAPPED = -1
"""The map index of a task instance that is not one of many."""


class Attempt(Struct, frozen=True, array_like=True):
    """One try of one task instance. index: -1 if not mapped. try_number: from 1.

    phase: from 0; a try that waited for something goes on in its next one.
    """

    run: str
    task: str
    index: int = NOT_MAPPED
    try_number: int = 1
    phase: int = 0

    def __str__(self) -> str:
        place = self.task if self.index == NOT_MAPPED else f"{self.task}[{self.index}]"
        return f"{self.run} {place} try {self.try_number}"


class Delivery(Struct, frozen=True, array_like=True, order=True):
    """One sending of an attempt: unique in time, rising within an epoch (law 6)."""

    epoch: int
    number: int


ABSENT = Raw(b"")
"""No JSON at all. (`Raw | None` cannot be decoded: msgspec then takes nothing but null.)"""


class Xcom(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One XCom as everybody but user code sees it.

    codec: how `penstock.worker.xcom` wrote it (`json`, `arrow`, `numpy`, `pickle`, ...).
    value: the JSON value itself (codec `json`, up to 64 KiB); else ABSENT.
    inline: base64 of a small value in another codec. blob: SHA-256 of a large one, size: its bytes.
    preview: JSON for people, at most a few KiB; ABSENT where `value` says it all.
    length: how many task instances a mapping over it makes; None if it cannot be mapped over.
    """

    key: str = "return_value"
    codec: str = "json"
    value: Raw = ABSENT
    inline: str | None = None
    blob: str | None = None
    size: int = 0
    preview: Raw = ABSENT
    is_none: bool = False
    length: int | None = None

    @property
    def has_value(self) -> bool:
        """Is the value itself in `value`?"""
        return memoryview(self.value).nbytes > 0

    @property
    def shown(self) -> Raw:
        """What people see of it: the value, or its preview."""
        return self.value if self.has_value else self.preview


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """A cause, in the log. caused_by: the id of the fact that led to this one, if any."""

    caused_by: str = ""


class LeaderElected(Event, frozen=True, kw_only=True, tag="leader.elected"):
    """A coordinator took the lead. epoch: one more than any seen. rules: version of `advance`.

    redeliveries: begun deliveries of a try that the infrastructure may lose before the try fails,
    from here on. The fold depends on it, so it is said here and not a setting of who folds.
    """

    epoch: int
    leader: str
    rules: int
    redeliveries: int = 3


class DagRegistered(Event, frozen=True, kw_only=True, tag="dag.registered"):
    """A DAG file was parsed and its DAG is new or changed.

    dag: the serialized DAG (`penstock.authoring.serialized.SerializedDag`) as JSON.
    version: its digest. A version that is there already changes nothing but what is in force.
    """

    dag_id: str
    version: str
    dag: Raw
    paused: bool | None = None


class DagPaused(Event, frozen=True, kw_only=True, tag="dag.paused"):
    """The DAG's schedule was switched off or on. Runs that are under way go on."""

    dag_id: str
    paused: bool
    by: str = ""


class DagRemoved(Event, frozen=True, kw_only=True, tag="dag.removed"):
    """The DAG's file is gone. Its runs go on with the version that they have."""

    dag_id: str


class FileBroken(Event, frozen=True, kw_only=True, tag="file.broken"):
    """A DAG file could not be parsed; the last good version stays in force. error: for people."""

    file: str
    error: str
    line: int | None = None


class FileMended(Event, frozen=True, kw_only=True, tag="file.mended"):
    """A DAG file that was broken parses again, or is gone."""

    file: str


class PoolSet(Event, frozen=True, kw_only=True, tag="pool.set"):
    """A pool was made or resized. slots: -1 for no limit; None: the pool is deleted."""

    name: str
    slots: int | None
    by: str = ""


class VariableSet(Event, frozen=True, kw_only=True, tag="variable.set"):
    """A variable was set. value: sealed (`penstock.store.vault`); None: deleted.

    Logs from before values were sealed have them plain, and are still read.
    """

    key: str
    value: str | None
    by: str = ""


class ConnectionSet(Event, frozen=True, kw_only=True, tag="connection.set"):
    """A connection was set. value: all its fields as JSON, sealed; None: deleted."""

    conn_id: str
    value: str | None
    by: str = ""


class RunTriggered(Event, frozen=True, kw_only=True, tag="run.triggered"):
    """A run was asked for, accepted and is kept. Its identity is (dag_id, run_id).

    version: the serialized DAG that it is pinned to. run_type: manual, scheduled, event.
    logical_date: None if the run stands for no moment. conf: a JSON object. by: who asked, for
    people. A tick of a schedule is such a fact too: its run_id is its logical date.
    """

    dag_id: str
    run_id: str
    version: str
    run_type: str = "manual"
    logical_date: int | None = None
    interval_start: int | None = None
    interval_end: int | None = None
    conf: Raw = Raw(b"{}")
    by: str = ""

    @property
    def run(self) -> str:
        return f"{self.dag_id}/{self.run_id}"


class RunCancelled(Event, frozen=True, kw_only=True, tag="run.cancelled"):
    """A person or service asked that the run stop: what runs is killed, what waits is skipped."""

    run: str
    by: str = ""


class WorkerJoined(Event, frozen=True, kw_only=True, tag="worker.joined"):
    """A worker process may be sent attempts from now on. worker: unique per process, for ever."""

    worker: str
    host: str
    pid: int
    slots: int
    queues: tuple[str, ...] = ("default",)


class Held(Struct, frozen=True, array_like=True):
    """An attempt that a worker had. begun: user code may have started in it."""

    attempt: Attempt
    delivery: Delivery
    begun: bool = True


class WorkerLost(Event, frozen=True, kw_only=True, tag="worker.lost"):
    """A worker left, or its lease ran out. held: what it had and nobody else has.

    reason: for people. clean: it said goodbye itself, so nothing of `held` is its fault.
    """

    worker: str
    reason: str
    held: tuple[Held, ...] = ()
    clean: bool = False


class AttemptStarted(Event, frozen=True, kw_only=True, tag="attempt.started"):
    """User code of a longer attempt began; short ones tell it at their end. started_at: display."""

    attempt: Attempt
    delivery: Delivery
    worker: str
    started_at: int


class AttemptEnded(Event, frozen=True, kw_only=True):
    """What every outcome has. Times are the worker's, for display, never for order.

    ended_at: UTC microseconds. took: seconds in the child. xcoms: what was pushed in this delivery;
    they count only with the outcome that wins (law 6). logged: lines of log it published.
    """

    attempt: Attempt
    delivery: Delivery
    worker: str
    started_at: int
    ended_at: int
    took: float = 0.0
    xcoms: tuple[Xcom, ...] = ()
    logged: int = 0


class AttemptSucceeded(AttemptEnded, frozen=True, kw_only=True, tag="attempt.succeeded"):
    """A try of a task instance returned.

    skip: tasks of its run that it leaves out (a branch not taken); those that have not started yet
    are skipped, now.
    """

    skip: tuple[str, ...] = ()


class AttemptFailed(AttemptEnded, frozen=True, kw_only=True, tag="attempt.failed"):
    """A try raised, was killed by its own timeout or memory limit, or its child died by itself.

    reason: one line. final: no retry, however many are left (AirflowFailException).
    """

    reason: str
    final: bool = False


class AttemptSkipped(AttemptEnded, frozen=True, kw_only=True, tag="attempt.skipped"):
    """A try said that this task instance is not wanted (AirflowSkipException)."""

    reason: str = ""


class Awaited(Struct, frozen=True, array_like=True):
    """The end of a run of a DAG, or of a task in it. Named by run id, else by logical date.

    live: it was under way when it was asked about; if it is not any more, it has ended since.
    """

    dag_id: str
    run_id: str = ""
    logical_date: int | None = None
    task: str = ""
    live: bool = False


class Pause(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a try waits for, and how it goes on. Nothing of it runs meanwhile.

    until: a moment. trigger: a trigger to be run beside others on an event loop; what it fires with
    is handed to the try. deadline: when waiting for it has failed. resume: the method to go on with
    and its arguments; None: the task is executed again, from its beginning. xcoms: what the try has
    pushed so far. trigger and resume are written as XComs are: nobody but user code reads them.
    awaits: ends of other runs and tasks; it goes on with the first of them, or at `until`.
    ends: at `until` the task has succeeded, and does not go on.
    """

    until: int | None = None
    trigger: Xcom | None = None
    deadline: int | None = None
    resume: Xcom | None = None
    xcoms: tuple[Xcom, ...] = ()
    awaits: tuple[Awaited, ...] = ()
    ends: bool = False

    @property
    def carried(self) -> tuple[Xcom, ...]:
        """All that is in it that can be large."""
        return (*self.xcoms, *(one for one in (self.trigger, self.resume) if one is not None))


class AttemptPaused(AttemptEnded, frozen=True, kw_only=True, tag="attempt.paused"):
    """A try waits, and holds nothing meanwhile."""

    pause: Pause


class AttemptInterrupted(Event, frozen=True, kw_only=True, tag="attempt.interrupted"):
    """The infrastructure ended a delivery, not the user's code: it is the same try's again.

    begun: user code may have started; only such count towards the limit of redeliveries.
    """

    attempt: Attempt
    delivery: Delivery
    worker: str
    reason: str
    begun: bool = True


class TimerDue(Event, frozen=True, kw_only=True, tag="timer.due"):
    """A moment came that the fold had asked for. what: `retry`, `run_timeout`, `worker_lease`...

    due: the moment asked for; a timer whose subject has moved on since is inert.
    """

    what: str
    due: int
    run: str
    task: str = ""
    index: int = NOT_MAPPED


Fact = (
    LeaderElected
    | DagRegistered
    | DagPaused
    | DagRemoved
    | FileBroken
    | FileMended
    | PoolSet
    | VariableSet
    | ConnectionSet
    | RunTriggered
    | RunCancelled
    | WorkerJoined
    | WorkerLost
    | AttemptStarted
    | AttemptSucceeded
    | AttemptFailed
    | AttemptSkipped
    | AttemptPaused
    | AttemptInterrupted
    | TimerDue
)
"""Every kind of fact. A follower that meets a kind it does not know stops and says so."""

Outcome = AttemptSucceeded | AttemptFailed | AttemptSkipped | AttemptPaused | AttemptInterrupted
"""How a delivery can end, as the worker that held it tells it."""


class Record(Struct, frozen=True, kw_only=True):
    """One message of the stream LOG: facts in order, appended together.

    at: the leader's clock when it was appended. epoch, number: its identity, rising with the log.
    """

    epoch: int
    number: int
    at: int
    events: tuple[Fact, ...]

    @property
    def id(self) -> str:
        return f"{self.epoch}-{self.number}"


def election_id(epoch: int) -> str:
    """Return the id of the fact that the leader of this epoch was elected."""
    return f"{epoch}-0.0"


encode = msgspec.json.Encoder().encode
decode_record = msgspec.json.Decoder(Record).decode
