"""A notice put together from pieces is, byte for byte, what encoding the type gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penstock.coordinator.notices import Notices, rfc3339
from penstock.events.subjects import Subjects
from penstock.events.types import encode
from penstock.events.words import Notice
from penstock.lifecycle.commands import Notify, NotifyRun

WORDS = st.text(min_size=1, max_size=20).filter(lambda text: "/" not in text)
NUMBERS = st.integers(0, 2**40)


@given(WORDS, WORDS, WORDS, WORDS, NUMBERS, NUMBERS, st.integers(1, 5), NUMBERS)
def test_the_notices_of_a_range_are_those_of_the_type(
    dag: str, run: str, task: str, reason: str, number: int, first: int, count: int, at: int
) -> None:
    told = Notify(
        run=f"{dag}/{run}",
        task=task,
        first=first,
        last=first + count,
        try_number=3,
        state="failed",
        sequence=number,
        at=at,
        caused_by="2-17.0",
        reason=reason,
    )
    notices = Notices(Subjects(), "/penstock")
    for place, (subject, text) in enumerate(notices.of(told)):
        assert subject == Subjects().task_event(dag, task, "failed")
        wanted = Notice(
            id=f"{dag}/{run}#{number + place}",
            source="/penstock",
            type="penstock.task.failed",
            subject=f"{dag}/{run}/{task}",
            time=rfc3339(at),
            data={
                "dag_id": dag,
                "run_id": run,
                "state": "failed",
                "reason": reason,
                "task_id": task,
                "try_number": 3,
                "map_index": first + place,
            },
            sequence=number + place,
            causedby="2-17.0",
        )
        assert text == encode(wanted)
    assert len(list(notices.of(told))) == count


def test_sending_begins_where_it_was_broken_off() -> None:
    told = Notify(
        run="d/r",
        task="t",
        first=10,
        last=14,
        try_number=1,
        state="queued",
        sequence=7,
        at=0,
        caused_by="1-1.0",
    )
    notices = Notices(Subjects(), "/penstock")
    assert list(notices.of(told, 3)) == list(notices.of(told))[3:]


def test_a_run_has_one_notice_of_each_state() -> None:
    told = NotifyRun(run="d/r", state="success", sequence=9, at=0, caused_by="1-1.0")
    ((subject, text),) = Notices(Subjects(), "/penstock").of(told)
    assert subject == "penstock.event.run.d.success"
    assert b'"id":"d/r#9"' in text
    assert b'"data":{"dag_id":"d","run_id":"r","state":"success"}' in text
