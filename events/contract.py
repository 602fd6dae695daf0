"""What other services are promised: the messages of the outside contract, as types.

`docs/asyncapi.yaml` is made of these, and a test holds what is really published to it. The hot path
does not use them: it writes notices field by field. Fields may be added, so readers ignore those
that they do not know; none is renamed or taken away.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from msgspec import UNSET, Meta, Struct, UnsetType

RunState = Literal["queued", "running", "success", "failed", "quarantined"]
TaskState = Literal[
    "queued",
    "running",
    "up_for_retry",
    "up_for_reschedule",
    "deferred",
    "success",
    "failed",
    "skipped",
    "upstream_failed",
]
DagId = Annotated[str, Meta(description="The DAG's id, as its author wrote it.")]
RunId = Annotated[str, Meta(description="The run's id, unique within its DAG.")]
Reason = Annotated[str, Meta(description="Why it is in this state, in a sentence for people.")]
Moment = Annotated[str, Meta(description="RFC 3339.", extra_json_schema={"format": "date-time"})]


class RunData(Struct, frozen=True, kw_only=True):
    """A run reached a state."""

    dag_id: DagId
    run_id: RunId
    state: RunState
    reason: Reason | UnsetType = UNSET


class TaskData(Struct, frozen=True, kw_only=True):
    """A task instance reached a state."""

    dag_id: DagId
    run_id: RunId
    task_id: Annotated[str, Meta(description="The task's id, unique within its DAG.")]
    map_index: Annotated[
        int, Meta(ge=-1, description="Which instance of a mapped task; -1: it is not mapped.")
    ]
    try_number: Annotated[int, Meta(ge=0, description="From 1; 0: it was never tried.")]
    state: TaskState
    reason: Reason | UnsetType = UNSET


class Notified(Struct, frozen=True, kw_only=True):
    """What every notification has: the attributes of a CloudEvent 1.0 in structured mode."""

    specversion: Literal["1.0"]
    id: Annotated[
        str, Meta(description="The same however often it is sent: what tells repetitions apart.")
    ]
    source: Annotated[str, Meta(description="Which Penstock says so: `/` and its prefix.")]
    type: str
    subject: Annotated[str, Meta(description="DAG_ID/RUN_ID, and for a task /TASK_ID.")]
    time: Moment
    datacontenttype: Literal["application/json"]
    sequence: Annotated[
        int, Meta(ge=1, description="Rises within the run, by one from notice to notice.")
    ]
    causedby: Annotated[str, Meta(description="The event of the run's story that led to it.")]


class RunNotice(Notified, frozen=True, kw_only=True):
    """A run reached a state. type: `penstock.run.<state>`."""

    type: Annotated[str, Meta(pattern=r"^penstock\.run\.[a-z_]+$")]
    data: RunData


class TaskNotice(Notified, frozen=True, kw_only=True):
    """A task instance reached a state. type: `penstock.task.<state>`."""

    type: Annotated[str, Meta(pattern=r"^penstock\.task\.[a-z_]+$")]
    data: TaskData


class Trigger(Struct, frozen=True, kw_only=True):
    """A CloudEvent 1.0 that asks for a run. (DAG, source, id) is one run, however often it comes.

    In binary mode the attributes are NATS headers (`ce-id`, `ce-source`, ...; percent-encoded where
    they are no ASCII), and the message is the conf.
    """

    specversion: Literal["1.0"]
    id: Annotated[str, Meta(min_length=1, description="Unique within `source`.")]
    source: Annotated[str, Meta(min_length=1, description="Who asks.")]
    type: Annotated[str, Meta(description="Not looked at. `penstock.trigger` will do.")]
    data: (
        Annotated[
            dict[str, Any],
            Meta(
                description="The run's conf; up to 256 KiB. What the DAG's params say is checked."
            ),
        ]
        | UnsetType
    ) = UNSET
    data_base64: Annotated[str, Meta(description="The conf in base64, in place of `data`.")] | (
        UnsetType
    ) = UNSET
    runid: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=250,
                description="The run's id, chosen by who asks; else one is made of source and id. "
                "It then is the identity: the same source and runid are the same run; a runid that "
                "another source has used is refused.",
            ),
        ]
        | UnsetType
    ) = UNSET
    logicaldate: (
        Annotated[
            str,
            Meta(
                description="The moment that the run stands for.",
                extra_json_schema={"format": "date-time"},
            ),
        ]
        | UnsetType
    ) = UNSET


Conf = Annotated[
    dict[str, Any],
    Meta(
        description="A bare JSON object is taken as the run's conf. The header `Nats-Msg-Id` then "
        "is its identity, for this DAG and as long as the run is kept; without one each message "
        "starts a run."
    ),
]


class Kept(Struct, frozen=True, kw_only=True):
    """JetStream's ack: the request is kept and will be dealt with, now or once Penstock is back.

    duplicate: the server had a message of that `Nats-Msg-Id` within the last 0.1 s, from whomever,
    and did not keep this one.
    """

    stream: Literal["TRIGGERS"]
    seq: int
    duplicate: bool | UnsetType = UNSET


class Started(Struct, frozen=True, kw_only=True):
    """The run that was asked for, new or known already."""

    dag_id: DagId
    run_id: RunId
    state: RunState


class NotStarted(Struct, frozen=True, kw_only=True):
    """Why the run that was asked for cannot be."""

    error: Annotated[str, Meta(description="A sentence for people.")]


class Replay(Struct, frozen=True, kw_only=True):
    """Ask for what is kept of the notices, from a position or a moment on.

    Answered by one message each, with the headers `Nats-Sequence` (its position) and
    `Nats-Subject`, and at the end by one with the header `Status`: 204, or 404 if there is none.
    """

    next_by_subj: Annotated[str, Meta(description="Which subjects, with `*` and `>`.")]
    batch: Annotated[int, Meta(ge=1, description="How many at most.")]
    seq: Annotated[int, Meta(ge=1, description="From this position on.")] | UnsetType = UNSET
    start_time: (
        Annotated[
            str, Meta(description="From this moment on.", extra_json_schema={"format": "date-time"})
        ]
        | UnsetType
    ) = UNSET


class Channel(NamedTuple):
    """One address. subject: with parameters in braces. messages, replies: name and type.

    action: what Penstock does there. roles: whose keys may use it.
    """

    name: str
    subject: str
    action: Literal["send", "receive"]
    summary: str
    messages: dict[str, Any]
    replies: dict[str, Any]
    roles: tuple[str, ...]


PUBLISHERS, SUBSCRIBERS = ("publisher", "both"), ("subscriber", "both")
CHANNELS = (
    Channel(
        "trigger",
        "{prefix}.trigger.{dag_id}",
        "receive",
        "Ask for a run; JetStream's ack means that the request is kept. What is wrong with it is "
        "found out later and goes to the dead letters, with the reason: `penstock dead list`.",
        {"trigger": Trigger, "conf": Conf},
        {"kept": Kept},
        PUBLISHERS,
    ),
    Channel(
        "requestRun",
        "{prefix}.rpc.trigger.{dag_id}",
        "receive",
        "Ask for a run and be told its id, or why not. While no Penstock listens, NATS says that "
        "there are no responders.",
        {"trigger": Trigger, "conf": Conf},
        {"started": Started, "notStarted": NotStarted},
        PUBLISHERS,
    ),
    Channel(
        "runReached",
        "{prefix}.event.run.{dag_id}.{run_state}",
        "send",
        "Hear of runs: at least once, in order within a run, kept for 14 days.",
        {"runNotice": RunNotice},
        {},
        SUBSCRIBERS,
    ),
    Channel(
        "taskReached",
        "{prefix}.event.task.{dag_id}.{task_id}.{task_state}",
        "send",
        "Hear of task instances: at least once, in order within a run, kept for 14 days.",
        {"taskNotice": TaskNotice},
        {},
        SUBSCRIBERS,
    ),
    Channel(
        "replay",
        "$JS.API.DIRECT.GET.NOTICES",
        "receive",
        "Read what is kept of the notices: a JetStream direct get, which any NATS client can make.",
        {"replay": Replay},
        {"runNotice": RunNotice, "taskNotice": TaskNotice},
        SUBSCRIBERS,
    ),
)
"""Every address of the outside contract."""

PARAMETERS = {
    "prefix": ("`penstock`, unless it is set to something else.", None),
    "dag_id": ("A DAG's id, percent-encoded: a dot in it is %2E, so that it is one token.", None),
    "task_id": ("A task's id, percent-encoded.", None),
    "run_state": ("The state that the run reached.", RunState),
    "task_state": ("The state that the task instance reached.", TaskState),
}
"""What stands in braces in a subject: (meaning, the values that it has)."""
