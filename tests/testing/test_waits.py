"""Sensors, deferred tasks and timeouts, over a clock that is moved on where one would only wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from penstock import DAG, BaseOperator, BashOperator, task
from penstock.authoring.sensor import BaseSensorOperator
from penstock.authoring.triggers import BaseTrigger, TriggerEvent
from penstock.steps.sensors.times import DateTimeSensor
from penstock.steps.triggers.temporal import DateTimeTrigger
from penstock.testing import run_dag


class Look(BaseSensorOperator):
    """Finds what it waits for at its third look."""

    looks = 0

    def __init__(self, needed: int = 3, **options: Any) -> None:
        super().__init__(**options)
        self.needed = needed

    def poke(self, context: Any) -> bool:
        type(self).looks += 1
        print("look", type(self).looks)
        return type(self).looks >= self.needed


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Look.looks = 0


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_a_sensor_s_looks_follow_at_once(mode: str) -> None:
    with DAG("looks") as dag:
        Look(task_id="look", mode=mode, poke_interval=3600)
    began = time.monotonic()
    run = run_dag(dag)
    assert time.monotonic() - began < 5
    found = run.tasks["look"]
    assert (found.state, found.try_number, Look.looks) == ("success", 1, 3)
    assert "look 1\n" in found.log
    assert "look 3\n" in found.log


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_a_sensor_times_out_by_the_same_clock(mode: str) -> None:
    with DAG("late") as dag:
        Look(task_id="look", mode=mode, needed=100, poke_interval=600, timeout=3600, retries=3)
    run = run_dag(dag)
    assert (run.tasks["look"].state, run.tasks["look"].try_number) == ("failed", 1)
    assert 6 <= Look.looks <= 8


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_a_sensor_that_waits_until_tomorrow_finds_that_it_is_tomorrow(mode: str) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with DAG("tomorrow") as dag:
        DateTimeSensor(task_id="wait", target_time=tomorrow, mode=mode, poke_interval=3600)
    run = run_dag(dag)
    assert run.state == "success"
    assert run.end_date > tomorrow


def test_an_execution_timeout_counts_what_is_passed_over() -> None:
    with DAG("short") as dag:
        Look(task_id="look", needed=9, poke_interval=600, execution_timeout=timedelta(minutes=25))
    run = run_dag(dag)
    assert run.tasks["look"].reason == "timed out after 1500 s"
    assert Look.looks == 3


def test_the_run_s_time_is_up_while_it_waits() -> None:
    with DAG("hasty", dagrun_timeout=timedelta(hours=1)) as dag:

        @task(retries=5, retry_delay=timedelta(minutes=40))
        def fail() -> None:
            raise ValueError("no")

        fail()
    run = run_dag(dag)
    assert run.state == "failed"
    assert run.reason.startswith("run timeout")


def test_the_run_s_time_is_up_while_a_task_runs() -> None:
    with DAG("slow", dagrun_timeout=timedelta(seconds=0.1)) as dag:

        @task
        def slow() -> None:
            time.sleep(60)

        @task
        async def below() -> None:
            await asyncio.sleep(60)

        slow() >> below()
    run = run_dag(dag)
    assert (run.state, run.states) == ("failed", {"slow": "skipped", "below": "skipped"})
    assert run.tasks["slow"].try_number == 1


class Waits(BaseOperator):
    """Defers to a trigger, and goes on with what it fired with."""

    def __init__(self, trigger: Any, timeout: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.trigger, self.timeout = trigger, timeout

    def execute(self, context: Any) -> None:
        print("waiting")
        self.defer(trigger=self.trigger, method_name="go_on", timeout=self.timeout)

    def go_on(self, context: Any, event: Any = None) -> Any:
        print("going on")
        return event


class Fires(BaseTrigger):
    """Fires after `seconds` with `payload`; for ever waits without."""

    def __init__(self, payload: Any = None, seconds: float = 0.0) -> None:
        super().__init__()
        self.payload, self.seconds = payload, seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{__name__}.Fires", {"payload": self.payload, "seconds": self.seconds}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        print("the trigger runs")
        await asyncio.sleep(self.seconds)
        if self.payload == "broken":
            raise ValueError("the service is gone")
        yield TriggerEvent(self.payload)


def test_a_deferred_task_goes_on_with_what_its_trigger_fired_with() -> None:
    with DAG("deferred") as dag:
        Waits(task_id="wait", trigger=Fires({"rows": 3}))
        Waits(task_id="moment", trigger=DateTimeTrigger(datetime.now(UTC) + timedelta(days=3)))
    run = run_dag(dag)
    found = run.tasks["wait"]
    assert (found.state, found.try_number, found.xcom) == ("success", 1, {"rows": 3})
    assert [line for line in found.log.splitlines() if "[" not in line] == [
        "waiting",
        "the trigger runs",
        "going on",
    ]
    assert run.tasks["moment"].state == "success"


def test_triggers_wait_side_by_side() -> None:
    with DAG("together") as dag:
        for number in range(20):
            Waits(task_id=f"wait{number}", trigger=Fires(number, 0.3))
    began = time.monotonic()
    assert run_dag(dag).state == "success"
    assert time.monotonic() - began < 3


def test_a_trigger_that_raises_or_takes_too_long_fails_its_task() -> None:
    with DAG("sorry") as dag:
        Waits(task_id="broken", trigger=Fires("broken"))
        Waits(task_id="late", trigger=Fires("late", 600), timeout=timedelta(seconds=0.1))
    run = run_dag(dag)
    assert "the service is gone" in run.tasks["broken"].reason
    assert run.tasks["late"].state == "failed"
    assert "did not fire in the time" in run.tasks["late"].reason


def test_a_deadline_after_a_long_wait_is_still_ahead() -> None:
    with DAG("later") as dag:
        look = Look(task_id="look", mode="reschedule", poke_interval=7200)
        look >> Waits(task_id="wait", trigger=Fires("it", 0.01), timeout=timedelta(minutes=5))
    assert run_dag(dag).tasks["wait"].xcom == "it"


def test_in_real_time_a_wait_is_a_wait() -> None:
    with DAG("real") as dag:
        Look(task_id="look", needed=2, mode="reschedule", poke_interval=0.2)
        BashOperator(task_id="fast", bash_command="true")
    began = time.monotonic()
    assert run_dag(dag, real_time=True).state == "success"
    assert time.monotonic() - began >= 0.2


def test_the_sensors_clock_is_the_machine_s_again_afterwards() -> None:
    from penstock.authoring import sensor

    with DAG("looks") as dag:
        Look(task_id="look", poke_interval=3600)
    run_dag(dag)
    assert (sensor.time, sensor.datetime) == (time, datetime)
