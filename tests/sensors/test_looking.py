"""How a sensor waits: modes, timeout, what exceptions come to, how long until the next look."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from penstock import DAG, AirflowFailException, AirflowSkipException, task
from penstock.authoring.errors import InvalidArgumentError
from penstock.authoring.sensor import BaseSensorOperator, PokeReturnValue, poke_mode_only
from penstock.steps.sensors.bash import BashSensor
from penstock.steps.sensors.python import PythonSensor
from penstock.testing import run_dag
from penstock.testing.results import TaskResult

MODES = pytest.mark.parametrize("mode", ["poke", "reschedule"])


def run_one(sensor: Any, **options: Any) -> TaskResult:
    """Run a sensor alone."""
    with DAG("waits") as dag:
        sensor(task_id="wait", **options)
    return run_dag(dag).tasks["wait"]


def after(looks: int, found: Any = True) -> Any:
    """A function that finds something at that look."""
    seen = []

    def look() -> Any:
        seen.append(1)
        return found if len(seen) >= looks else False

    return look


def raising(error: Exception) -> Any:
    def look() -> Any:
        raise error

    return look


@MODES
def test_what_a_look_finds_is_the_xcom(mode: str) -> None:
    found = PokeReturnValue(True, {"rows": 3})
    wait = run_one(PythonSensor, python_callable=after(3, found), mode=mode)
    assert (wait.state, wait.xcom) == ("success", {"rows": 3})


@MODES
def test_a_bare_yes_leaves_no_xcom(mode: str) -> None:
    wait = run_one(PythonSensor, python_callable=after(2), mode=mode)
    assert (wait.state, wait.xcoms) == ("success", {})


def test_a_task_s_function_may_be_a_sensor() -> None:
    with DAG("waits") as dag:

        @task.sensor(poke_interval=5, mode="reschedule")
        def arrived(rows: int, try_number: int) -> PokeReturnValue:
            return PokeReturnValue(rows == 3, rows * try_number)

        @task
        def use(rows: int) -> int:
            return rows + 1

        use(arrived(3))
    run = run_dag(dag)
    assert (run.tasks["arrived"].xcom, run.tasks["use"].xcom) == (3, 4)


def test_a_coroutine_is_asked_for_what_it_comes_to() -> None:
    looks = []

    async def look(rows: int) -> PokeReturnValue:
        looks.append(rows)
        return PokeReturnValue(len(looks) == 3, rows)

    wait = run_one(PythonSensor, python_callable=look, op_args=[5])
    assert (wait.xcom, len(looks)) == (5, 3)


def test_sensors_can_be_mapped() -> None:
    with DAG("waits") as dag:

        @task.sensor(poke_interval=5, mode="reschedule")
        def arrived(rows: int) -> PokeReturnValue:
            return PokeReturnValue(rows > 1, rows)

        arrived.override(timeout=60, soft_fail=True).expand(rows=[1, 2, 3])
        BashSensor.partial(task_id="each", timeout=60).expand(bash_command=["exit 0", "exit 1"])
    run = run_dag(dag)
    assert [one.state for one in run.tasks["arrived"].instances] == [
        "skipped",
        "success",
        "success",
    ]
    assert [one.state for one in run.tasks["each"].instances] == ["success", "failed"]


@MODES
@pytest.mark.parametrize(
    ("options", "state"),
    [({}, "failed"), ({"soft_fail": True}, "skipped"), ({"never_fail": True}, "failed")],
)
def test_a_timeout_is_never_retried(mode: str, options: dict[str, bool], state: str) -> None:
    wait = run_one(
        PythonSensor,
        python_callable=after(1000),
        mode=mode,
        timeout=600,
        poke_interval=60,
        retries=3,
        **options,
    )
    assert (wait.state, wait.try_number) == (state, 1)
    assert "Sensor has timed out" in wait.reason


BROKEN = ValueError("no such host")


@pytest.mark.parametrize(
    ("error", "options", "state", "tries"),
    [
        (BROKEN, {}, "failed", 2),
        (BROKEN, {"soft_fail": True}, "failed", 2),
        (BROKEN, {"never_fail": True}, "skipped", 1),
        (BROKEN, {"silent_fail": True}, "failed", 1),  # it times out
        (AirflowFailException("for good"), {}, "failed", 1),
        (AirflowFailException("for good"), {"soft_fail": True}, "skipped", 1),
        (AirflowFailException("for good"), {"never_fail": True}, "skipped", 1),
        (AirflowSkipException("not today"), {"silent_fail": True}, "skipped", 1),
    ],
)
def test_what_an_exception_of_a_look_comes_to(
    error: Exception, options: dict[str, bool], state: str, tries: int
) -> None:
    wait = run_one(
        PythonSensor,
        python_callable=raising(error),
        mode="reschedule",
        retries=1,
        timeout=600,
        **options,
    )
    assert (wait.state, wait.try_number) == (state, tries)


def test_a_command_s_exit_code_says_whether_it_is_there() -> None:
    assert run_one(BashSensor, bash_command="exit 0").state == "success"
    for code in (1, 99):
        wait = run_one(BashSensor, bash_command=f"exit {code}", timeout=100, soft_fail=True)
        assert wait.state == "skipped"


def test_with_a_code_for_not_yet_every_other_one_fails_for_good() -> None:
    options = {"retry_exit_code": 7, "retries": 2, "timeout": 100}
    assert run_one(BashSensor, bash_command="exit 7", **options).reason.count("timed out") == 1
    wait = run_one(BashSensor, bash_command="exit 1", **options)
    assert (wait.state, wait.try_number) == ("failed", 1)
    assert "exit code 1; 0 means that it is there, 7 that it is not yet" in wait.reason


# ---------------------------------------------------------------- how long to the next look


def waits_of(passed: list[float], **options: Any) -> list[float]:
    with DAG("waits"):
        sensor = BaseSensorOperator(task_id="wait", exponential_backoff=True, **options)

    class Watch:
        began = 0.0

    return [
        sensor._next_wait(Watch(), seconds, number)  # type: ignore[arg-type]
        for number, seconds in enumerate(passed, 1)
    ]


def test_the_waits_double_with_a_spread_that_is_the_same_each_time() -> None:
    passed = [0, 30, 90, 200, 400]
    waits = waits_of(passed, poke_interval=60, timeout=100_000)
    for number, wait in enumerate(waits, 1):
        least = max(60 * 2.0 ** (number - 2), 1)
        assert least <= wait <= 2 * least
    assert waits == waits_of(passed, poke_interval=60, timeout=100_000)


def test_a_phase_works_out_how_often_it_has_looked() -> None:
    slow = waits_of([0, 10_000], poke_interval=60, timeout=1_000_000, mode="reschedule")
    assert slow[0] <= 60
    assert slow[1] >= 2_500


def test_a_wait_has_an_upper_end() -> None:
    most = {"poke_interval": 60, "timeout": 100_000, "max_wait": timedelta(seconds=100)}
    assert max(waits_of([0, 100, 10_000], mode="reschedule", **most)) == 100
    assert waits_of([0, 99_990], poke_interval=600, timeout=100_000)[1] == 10


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"mode": "often"}, "mode must be one of poke, reschedule, not 'often'"),
        ({"poke_interval": -1}, "poke_interval must be a timedelta or seconds"),
        ({"timeout": "soon"}, "timeout must be a timedelta or seconds"),
        ({"soft_fail": True, "never_fail": True}, "soft_fail and never_fail exclude each other"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_line(
    options: dict[str, Any], sentence: str
) -> None:
    with (
        DAG("waits"),
        pytest.raises(InvalidArgumentError, match=rf"test_looking.py:\d+.*{sentence}"),
    ):
        BaseSensorOperator(task_id="wait", **options)


def test_a_class_may_refuse_to_give_its_slot_back() -> None:
    @poke_mode_only
    class Watches(BaseSensorOperator):
        """Holds a connection open."""

    with DAG("waits"):
        assert Watches(task_id="a").mode == "poke"
        with pytest.raises(InvalidArgumentError, match="Watches has no mode 'reschedule'"):
            Watches(task_id="b", mode="reschedule")
    with pytest.raises(InvalidArgumentError, match="stands above subclasses"):
        poke_mode_only(int)  # type: ignore[arg-type]
