"""Deferred tasks: what their trigger comes to, and what they make of it; files are awaited so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from penstock import DAG, BaseOperator
from penstock.authoring.exceptions import (
    AirflowException,
    AirflowNotFoundException,
    TaskDeferralError,
    TaskDeferralTimeout,
)
from penstock.authoring.sensor import BaseSensorOperator
from penstock.authoring.triggers import (
    BaseTrigger,
    TaskFailedEvent,
    TaskSkippedEvent,
    TaskSuccessEvent,
    TriggerEvent,
)
from penstock.steps.sensors.filesystem import FileSensor
from penstock.steps.triggers.file import FileDeleteTrigger
from penstock.steps.triggers.testing import FailureTrigger, SuccessTrigger
from penstock.testing import run_dag

ENDS = {
    "success": TaskSuccessEvent,
    "failed": TaskFailedEvent,
    "skipped": TaskSkippedEvent,
}


class Says(BaseTrigger):
    """Ends its task in a state, with an XCom; in none, it ends without a word."""

    def __init__(self, end: str) -> None:
        super().__init__()
        self.end = end

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{__name__}.Says", {"end": self.end}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        if self.end in ENDS:
            yield ENDS[self.end](xcoms={"return_value": self.task_id, "event": 1})


class Waits(BaseOperator):
    def __init__(self, *, trigger: BaseTrigger, most: float | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.trigger, self.most = trigger, most

    def execute(self, context: Any) -> None:
        context["ti"].xcom_push("early", 1)
        self.defer(trigger=self.trigger, method_name="go_on", kwargs={"more": 2}, timeout=self.most)

    def go_on(self, context: Any, event: Any, more: int) -> Any:
        return [event, more]


class SensorThatDefers(BaseSensorOperator):
    def __init__(self, *, trigger: BaseTrigger, most: float | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.trigger, self.most = trigger, most

    def execute(self, context: Any) -> None:
        self.defer(trigger=self.trigger, method_name="go_on", timeout=self.most)

    def go_on(self, context: Any, event: Any) -> None:
        raise AirflowException("it was not good")


def run_one(kind: Any, **options: Any) -> Any:
    with DAG("waits") as dag:
        kind(task_id="wait", **options)
    return run_dag(dag).tasks["wait"]


def test_a_task_goes_on_with_the_event_its_own_arguments_and_its_xcoms() -> None:
    wait = run_one(Waits, trigger=SuccessTrigger())
    assert (wait.state, wait.xcoms) == ("success", {"early": 1, "return_value": [True, 2]})


def test_a_trigger_that_raises_fails_the_try() -> None:
    wait = run_one(Waits, trigger=FailureTrigger(), retries=1)
    assert (wait.state, wait.try_number) == ("failed", 2)
    assert wait.reason == (
        "TaskDeferralError: its trigger failed: ValueError: Deliberate trigger failure"
    )


@pytest.mark.parametrize("end", list(ENDS))
def test_a_trigger_may_end_its_task_itself(end: str) -> None:
    wait = run_one(Waits, trigger=Says(end), retries=3)
    assert (wait.state, wait.try_number) == (end, 1)
    if end == "success":
        assert wait.xcoms == {"early": 1, "return_value": "wait", "event": 1}


def test_a_trigger_that_ends_without_a_word_has_failed() -> None:
    assert "ended without an event" in run_one(Waits, trigger=Says("")).reason


FAILING: dict[str, BaseTrigger] = {"its trigger": FailureTrigger(), "itself": SuccessTrigger()}


@pytest.mark.parametrize("what", list(FAILING))
@pytest.mark.parametrize(
    ("options", "state", "tries"),
    [({}, "failed", 2), ({"soft_fail": True}, "skipped", 1), ({"never_fail": True}, "skipped", 1)],
)
def test_a_deferred_sensor_may_skip_when_something_fails(
    what: str, options: Any, state: str, tries: int
) -> None:
    wait = run_one(SensorThatDefers, trigger=FAILING[what], retries=1, **options)
    assert (wait.state, wait.try_number) == (state, tries)


def test_an_operator_hears_of_a_failure_by_its_own_exception() -> None:
    with DAG("waits"):
        wait = Waits(task_id="wait", trigger=SuccessTrigger())
    with pytest.raises(TaskDeferralTimeout, match="too late"):
        wait.resume_execution("__fail__", {"error": "too late", "late": True}, {})
    with pytest.raises(TaskDeferralError, match="gone"):
        wait.resume_execution("__fail__", {"error": "gone"}, {})


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize(
    ("pattern", "recursive", "state"),
    [
        ("in/a.csv", False, "success"),
        ("in/*.csv", False, "success"),
        ("**/deep.txt", True, "success"),
        ("in", False, "success"),  # something lies below it
        ("empty", False, "skipped"),
        ("in/*.json", False, "skipped"),
    ],
)
def test_a_file_is_waited_for(
    tmp_path: Path, deferrable: bool, pattern: str, recursive: bool, state: str
) -> None:
    for name in ("in/a.csv", "in/x/y/deep.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    wait = run_one(
        FileSensor,
        filepath=str(tmp_path / pattern),
        recursive=recursive,
        deferrable=deferrable,
        poke_interval=0.02,
        timeout=0.1,
        soft_fail=True,
    )
    assert wait.state == state


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_file_that_never_comes_is_a_timeout(tmp_path: Path, deferrable: bool) -> None:
    nope = str(tmp_path / "nope")
    options = {"deferrable": deferrable, "poke_interval": 0.02, "timeout": 0.1, "retries": 3}
    wait = run_one(FileSensor, filepath=nope, **options)
    assert (wait.state, wait.try_number) == ("failed", 1)
    assert wait.reason.startswith("AirflowSensorTimeout")


def test_a_connection_names_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    with DAG("waits") as dag:
        FileSensor(task_id="wait", filepath="a.csv", fs_conn_id="inbox")
    inbox = {"inbox": {"conn_type": "fs", "extra": {"path": str(tmp_path)}}}
    assert run_dag(dag, connections=inbox).state == "success"
    lost = run_dag(dag).tasks["wait"]
    assert isinstance(lost.error, AirflowNotFoundException)


def test_a_file_may_be_taken_away_with_the_event(tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    wait = run_one(Waits, trigger=FileDeleteTrigger(str(tmp_path / "go"), poke_interval=0.01))
    assert (wait.xcom, list(tmp_path.iterdir())) == ([True, 2], [])
