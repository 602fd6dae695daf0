"""What leader and workers say to each other beside the log, and what both tell others.

Words go by core NATS: at most once, nothing is built on one of them arriving (law 8). JSON, by
msgspec; times are integers, microseconds since 1970, UTC.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from penstock.events.types import Attempt, AttemptStarted, Delivery, Held, Outcome, Xcom


class RunInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an attempt's context says of its run. params: the DAG's, with conf merged in."""

    run: str
    dag_id: str
    run_id: str
    run_type: str
    file: str
    version: str
    logical_date: int | None = None
    interval_start: int | None = None
    interval_end: int | None = None
    triggered_at: int = 0
    started_at: int = 0
    conf: Raw = Raw(b"{}")


class Later(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an attempt of a later phase is told of the earlier ones.

    since: when the try began. resume, pushed: as the last `Pause` had them. event: what its trigger
    fired with, None if it waited for a moment. failure: why there is none, though it waited for
    one; late: that is because its time was up.
    """

    since: int
    resume: Xcom | None = None
    event: Xcom | None = None
    pushed: tuple[Xcom, ...] = ()
    failure: str = ""
    late: bool = False


class Work(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt, to be run. xcoms: {task_id: its return value}, small ones of direct upstreams.

    kind: `task`, or `callback` (then `callback` says which, and `why` the reason of the state), or
    `trigger` (then `trigger` is what to run).
    map_length: how many siblings a mapped instance has. timeout: seconds, None for no limit.
    tries: all that it may take. is_async: it runs on the children's event loop, without a slot.
    later: None in a try's first phase.
    """

    attempt: Attempt
    delivery: Delivery
    kind: str = "task"
    callback: str = ""
    why: str = ""
    map_length: int | None = None
    timeout: float | None = None
    tries: int = 1
    is_async: bool = False
    exclusive: bool = False
    xcoms: dict[str, Xcom] = {}
    caused_by: str = ""
    trigger: Xcom | None = None
    later: Later | None = None


class Down(Struct, frozen=True, kw_only=True, tag_field="say"):
    """What a leader tells workers. A worker refuses an epoch lower than the highest it has seen."""

    epoch: int


class Welcome(Down, frozen=True, kw_only=True, tag="welcome"):
    """You are known; your lease is `lease` seconds from each heartbeat on.

    last: every delivery with a number up to this has been sent to you by now, so a heartbeat from
    here on speaks of it, even if the message that carried it was lost (law 8).
    renews: this leader answers each heartbeat by `Renewed`. Where it does not, a heartbeat that
    could be sent has to count as heard.
    """

    lease: float
    last: int = 0
    renews: bool = False


class Renewed(Down, frozen=True, kw_only=True, tag="renewed"):
    """The heartbeat of that number was heard: the lease runs from when it was sent."""

    beat: int


class Dispatch(Down, frozen=True, kw_only=True, tag="dispatch"):
    """Run these, in this order. runs: by run key, for all of `work`."""

    work: tuple[Work, ...]
    runs: dict[str, RunInfo]


class Stored(Down, frozen=True, kw_only=True, tag="stored"):
    """The outcomes of these deliveries are in the log: let go of them (law 7)."""

    deliveries: tuple[Delivery, ...]


class Stop(Down, frozen=True, kw_only=True, tag="stop"):
    """Nobody wants these any more: kill them, and report them interrupted."""

    deliveries: tuple[Delivery, ...]
    reason: str


class RollCall(Down, frozen=True, kw_only=True, tag="roll_call"):
    """A leader took over: say at once who you are and what you hold."""


Downward = Welcome | Renewed | Dispatch | Stored | Stop | RollCall


class Up(Struct, frozen=True, kw_only=True, tag_field="say"):
    """What a worker tells the leader; all on one subject of its own, so that order holds."""

    worker: str


class Hello(Up, frozen=True, kw_only=True, tag="hello"):
    """A worker is there: at start, after a reconnect, and in answer to a roll call.

    epoch: the highest it has seen. held: all that it holds, outcomes not yet stored among it.
    replaces: workers before it on the same state folder, which are known to be dead.
    """

    host: str
    pid: int
    slots: int
    queues: tuple[str, ...]
    epoch: int
    held: tuple[Held, ...]
    replaces: tuple[str, ...] = ()


class Heartbeat(Up, frozen=True, kw_only=True, tag="heartbeat"):
    """Lease renewed. last: the last delivery received; held: spans [first, last] of numbers.

    held speaks of `last.epoch` only; what a worker still holds of an earlier epoch is in `older`.
    beat: rising per worker; `Renewed` names it.
    """

    last: Delivery
    held: tuple[tuple[int, int], ...] = ()
    older: tuple[Delivery, ...] = ()
    draining: bool = False
    beat: int = 0


class Outcomes(Up, frozen=True, kw_only=True, tag="outcomes"):
    """Deliveries that ended, or long ones that began. Sent again until `Stored` names them."""

    ended: tuple[Outcome, ...] = ()
    started: tuple[AttemptStarted, ...] = ()


class GivenBack(Up, frozen=True, kw_only=True, tag="given_back"):
    """Not begun, and somebody else may be sooner: members of a batch behind a long one, a drain."""

    deliveries: tuple[Delivery, ...]


class Goodbye(Up, frozen=True, kw_only=True, tag="goodbye"):
    """The worker drained and ends. held: what it had to leave behind."""

    held: tuple[Held, ...] = ()
    reason: str = "drained"


Upward = Hello | Heartbeat | Outcomes | GivenBack | Goodbye


class Leading(Struct, frozen=True, kw_only=True):
    """The leader lives. noticed: up to which sequence of LOG its notices are stored."""

    epoch: int
    leader: str
    noticed: int


class LogLine(Struct, frozen=True, array_like=True):
    """at: microseconds. stream: 1 stdout, 2 stderr, 0 said by Penstock itself. text: no newline."""

    at: int
    stream: int
    text: str


class LogChunk(Struct, frozen=True, kw_only=True):
    """Lines of one delivery, in order. first: the number of the first one, from 0."""

    attempt: Attempt
    delivery: Delivery
    first: int
    lines: tuple[LogLine, ...]


class Notice(Struct, frozen=True, kw_only=True):
    """A CloudEvent 1.0 in structured mode: a run or a task instance reached a state.

    id: from its natural key, the same however often it is sent. sequence: rises within the run.
    """

    id: str
    source: str
    type: str
    subject: str
    time: str
    data: dict[str, Any]
    sequence: int
    causedby: str
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


decode_down = msgspec.json.Decoder(Downward).decode
decode_up = msgspec.json.Decoder(Upward).decode
decode_leading = msgspec.json.Decoder(Leading).decode
decode_chunk = msgspec.json.Decoder(LogChunk).decode
