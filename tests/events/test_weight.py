"""Whatever in a fact can be large counts: else a record of many is more than the server takes."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from msgspec import Raw

from penstock.events.types import (
    Attempt,
    AttemptFailed,
    AttemptInterrupted,
    AttemptPaused,
    AttemptSkipped,
    AttemptSucceeded,
    ConnectionSet,
    DagRegistered,
    Delivery,
    Event,
    Fact,
    FileBroken,
    Held,
    Pause,
    RunTriggered,
    VariableSet,
    WorkerLost,
    Xcom,
    encode,
)
from penstock.events.weight import weight

TEXT = "x" * 100_000
JSON = Raw(f'"{TEXT}"'.encode())
ATTEMPT, DELIVERY = Attempt("d/r", "t"), Delivery(1, 1)
ENDED: dict[str, Any] = {
    "attempt": ATTEMPT,
    "delivery": DELIVERY,
    "worker": "w",
    "started_at": 1,
    "ended_at": 2,
}
XCOMS = (Xcom(value=JSON), Xcom(key="packed", inline=TEXT, preview=JSON))

LARGE: list[Event] = [
    DagRegistered(dag_id="d", version="1", dag=JSON),
    FileBroken(file="f", error=TEXT),
    VariableSet(key="k", value=TEXT),
    ConnectionSet(conn_id="c", value=TEXT),
    RunTriggered(dag_id="d", run_id="r", version="1", conf=JSON),
    WorkerLost(worker="w", reason="died", held=(Held(ATTEMPT, DELIVERY),) * 1000),
    AttemptSucceeded(**ENDED, xcoms=XCOMS),
    AttemptSucceeded(**ENDED, skip=(TEXT,)),
    AttemptFailed(**ENDED, xcoms=XCOMS, reason=TEXT),
    AttemptSkipped(**ENDED, xcoms=XCOMS, reason=TEXT),
    AttemptPaused(**ENDED, pause=Pause(trigger=XCOMS[0], resume=XCOMS[1], xcoms=XCOMS)),
    AttemptInterrupted(attempt=ATTEMPT, delivery=DELIVERY, worker="w", reason=TEXT),
]


@pytest.mark.parametrize("fact", LARGE, ids=lambda fact: type(fact).__name__)
def test_the_weight_is_about_the_bytes(fact: Event) -> None:
    size = len(encode(fact))
    assert size <= weight(fact) <= 3 * size


def test_every_kind_that_holds_a_value_is_looked_at() -> None:
    """A new kind of fact with such a field has to be weighed as well."""
    growing = ("Raw", "Xcom", "Pause", "Held", "tuple")
    unweighed = {
        kind.__name__
        for kind in get_args(Fact)
        if any(word in str(each) for each in kind.__annotations__.values() for word in growing)
    } - {type(fact).__name__ for fact in LARGE}
    assert unweighed == {"WorkerJoined"}  # the names of its queues
