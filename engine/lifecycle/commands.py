"""What `advance` asks for. Whoever carries a command out decides nothing.

Three kinds: what is to be *done* (ready, stop, remind), what others are to *hear* (notices), and
what the projection is to *show* (rows). Ranges of map indexes are half-open, [first, last).
"""

from __future__ import annotations

from msgspec import Struct

from penstock.events.types import Delivery, Xcom


class Command(Struct, frozen=True):
    """Base of all. Commands are values: two folds of the same facts give equal ones."""


# ---------------------------------------------------------------- to be done


class Ready(Command, frozen=True):
    """These instances may be dispatched, for this try and phase.

    first, last: map indexes; -1: not mapped. task: its id, `~<callback>:<task>`, or
    `~trigger:<task>`. again: sent before, and lost by the infrastructure.
    """

    run: str
    task: str
    first: int
    last: int
    try_number: int
    caused_by: str
    again: bool = False
    phase: int = 0


class StopRun(Command, frozen=True):
    """Nothing of this run's tasks is wanted any more (its callbacks are)."""

    run: str
    reason: str


class Remind(Command, frozen=True):
    """Append TimerDue(what, due, run, task, index) at `due`. caused_by: what set the timer."""

    due: int
    what: str
    run: str
    task: str = ""
    index: int = -1
    caused_by: str = ""


class PlanTicks(Command, frozen=True):
    """The DAG's schedule, or what holds it back, changed: `lifecycle.ticks.next_tick` again."""

    dag_id: str


class PoolChanged(Command, frozen=True):
    """A pool has another size (None: it is gone)."""

    name: str
    slots: int | None


# ---------------------------------------------------------------- to be heard


class Notify(Command, frozen=True):
    """Instances reached `state`, one notice each. first, last: map indexes; -1: not mapped.

    sequence: the first one's number in the run.
    """

    run: str
    task: str
    first: int
    last: int
    try_number: int
    state: str
    sequence: int
    at: int
    caused_by: str
    reason: str = ""


class NotifyRun(Command, frozen=True):
    """The run reached `state`."""

    run: str
    state: str
    sequence: int
    at: int
    caused_by: str
    reason: str = ""


# ---------------------------------------------------------------- to be shown


class InstanceRow(Command, frozen=True):
    """A task instance, as it is now. index -1: not mapped. A None keeps what the row has."""

    run: str
    task: str
    index: int
    state: str
    try_number: int
    lost: int = 0
    due: int | None = None
    started_at: int | None = None
    ended_at: int | None = None
    took: float | None = None
    worker: str | None = None
    delivery: Delivery | None = None
    reason: str = ""


class TaskRow(Command, frozen=True):
    """What is said of a task of a run as a whole: read from the state when a batch is made."""

    run: str
    task: str


class RunRow(Command, frozen=True):
    """The run changed: read from the state when a batch is made."""

    run: str


class RunOver(Command, frozen=True):
    """The run and its callbacks are over: once it is projected it may leave the memory."""

    run: str


class XcomRows(Command, frozen=True):
    """XComs of the try that won. An empty tuple: this try's are cleared."""

    run: str
    task: str
    index: int
    try_number: int
    xcoms: tuple[Xcom, ...]


class DagRow(Command, frozen=True):
    dag_id: str


class PastRow(Command, frozen=True):
    """An ended run came into, or left, what the DAG keeps of its past (`state.Past`)."""

    dag_id: str
    run: str


class FileRow(Command, frozen=True):
    file: str


class PoolRow(Command, frozen=True):
    name: str


class VariableRow(Command, frozen=True):
    key: str


class ConnectionRow(Command, frozen=True):
    conn_id: str


class WorkerRow(Command, frozen=True):
    worker: str
