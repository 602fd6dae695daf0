"""A DAG in one process: the coordinator's fold and the worker's runtime."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from penstock import (
    DAG,
    AirflowFailException,
    AirflowSkipException,
    BaseHook,
    BashOperator,
    EmptyOperator,
    Param,
    TaskGroup,
    Variable,
    task,
)
from penstock.coordinator.intake import TriggerRefusedError
from penstock.testing import run_dag
from penstock.testing.results import NoSuchTaskError
from penstock.testing.trying import TrialError


def test_xcoms_go_from_task_to_task_and_mapping_expands() -> None:
    with DAG("squares") as dag:

        @task
        def numbers() -> list[int]:
            return [1, 2, 3]

        @task
        def square(x: int) -> int:
            return x * x

        @task
        async def total(values: Any) -> int:
            await asyncio.sleep(0)
            return sum(values)

        total(square.expand(x=numbers()))
    run = run_dag(dag)
    assert (run.state, run.tasks["total"].xcom) == ("success", 14)
    assert run.tasks["square"].xcom == [1, 4, 9]
    assert (run.tasks["square"][2].state, run.tasks["square"][2].xcom) == ("success", 9)
    assert run.states == {"numbers": "success", "square": "success", "total": "success"}


def test_a_retry_comes_at_once_and_its_log_is_its_own() -> None:
    with DAG("patient") as dag:

        @task(retries=2, retry_delay=timedelta(hours=5))
        def flaky(ti: Any) -> int:
            print("this is try", ti.try_number)
            if ti.try_number < 3:
                raise ValueError("not yet")
            return ti.try_number

        flaky()
    began = time.monotonic()
    run = run_dag(dag)
    assert time.monotonic() - began < 5
    found = run.tasks["flaky"]
    assert (found.state, found.try_number, found.xcom, found.error) == ("success", 3, 3, None)
    assert "this is try 3" in found.log
    assert "ValueError: not yet" in found.instances[0].logs[1]
    assert run.end_date - run.start_date > timedelta(hours=10)


def test_a_failure_keeps_its_error_and_says_why() -> None:
    with DAG("broken") as dag:

        @task(retries=3)
        def fail() -> None:
            raise AirflowFailException("the lake is dry")

        @task
        def after() -> None: ...

        fail() >> after()
    run = run_dag(dag)
    assert run.states == {"fail": "failed", "after": "upstream_failed"}
    assert isinstance(run.tasks["fail"].error, AirflowFailException)
    assert run.tasks["fail"].try_number == 1
    assert "the lake is dry" in run.explain()
    assert "because of 'fail' (failed)" in run.explain("after")
    assert "penstock/testing" not in run.tasks["fail"].log


def test_what_cannot_be_stored_fails_as_in_production() -> None:
    with DAG("unstorable") as dag:

        @task
        def lock() -> Any:
            import threading

            return threading.Lock()

        lock()
    assert "cannot be stored" in run_dag(dag).tasks["lock"].reason


def test_branches_and_trigger_rules() -> None:
    with DAG("ways") as dag:

        @task.branch
        def choose() -> str:
            return "left"

        left, right = EmptyOperator(task_id="left"), EmptyOperator(task_id="right")
        join = EmptyOperator(task_id="join", trigger_rule="none_failed_min_one_success")
        choose() >> [left, right] >> join
    assert run_dag(dag).states == {
        "choose": "success",
        "left": "success",
        "right": "skipped",
        "join": "success",
    }


def test_a_skip_and_an_empty_list() -> None:
    with DAG("skips") as dag:

        @task
        def nothing() -> list[int]:
            return []

        @task
        def each(x: int) -> None: ...

        @task
        def unwanted() -> None:
            raise AirflowSkipException("not on Sundays")

        each.expand(x=nothing())
        unwanted()
    run = run_dag(dag)
    assert (run.states["each"], run.states["unwanted"], run.state) == (
        "skipped",
        "skipped",
        "success",
    )


def test_callbacks_are_called_with_the_state_they_are_of() -> None:
    heard: list[tuple[str, str]] = []

    def on(name: str) -> Any:
        return lambda context: heard.append((name, context["ti"].state))

    with DAG("calls", on_failure_callback=lambda context: heard.append(("dag", ""))) as dag:

        @task(retries=1, on_retry_callback=on("retry"), on_failure_callback=on("failure"))
        def fail() -> None:
            raise ValueError("no")

        fail()
    run_dag(dag)
    assert heard == [("retry", "up_for_retry"), ("failure", "failed"), ("dag", "")]


def test_variables_and_connections_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_VAR_COLOUR", "blue")
    with DAG("asks") as dag:

        @task
        def look() -> list[Any]:
            Variable.set("seen", "yes")
            found = BaseHook.get_connection("lake")
            limits = Variable.get("limits", deserialize_json=True)
            return [Variable.get("colour"), limits, found.host, found.password]

        look()
    run = run_dag(
        dag,
        variables={"colour": "red", "limits": {"rows": 5}},
        connections={"lake": "postgres://ann:hushhush@lake.example/db"},
    )
    assert run.tasks["look"].xcom[:3] == ["blue", {"rows": 5}, "lake.example"]
    assert run.variables["seen"] == "yes"
    assert "hushhush" not in run.tasks["look"].log


def test_conf_dates_and_params_are_the_run_s() -> None:
    with DAG("asked", params={"rows": Param(5, type="integer", minimum=1)}) as dag:
        BashOperator(task_id="say", bash_command="echo {{ ds }} {{ params.rows }}")
    run = run_dag(dag, conf={"rows": 7}, logical_date="2026-01-31")
    assert run.tasks["say"].xcom == "2026-01-31 7"
    assert run.run_id == "manual__2026-01-31T00:00:00.000000+00:00"
    assert run_dag(dag, logical_date=None).state == "failed"  # there is no `ds` then
    with pytest.raises(TriggerRefusedError, match="'rows'"):
        run_dag(dag, conf={"rows": 0})


def test_a_pool_that_is_missing_is_waited_for_and_named() -> None:
    with DAG("pooled") as dag:
        BashOperator(task_id="train", bash_command="true", pool="gpu", pool_slots=2)
    assert run_dag(dag).state == "success"
    assert run_dag(dag, pools={"gpu": 2}).state == "success"
    run = run_dag(dag, pools={"gpu": 1})
    assert run.state == "running"
    assert "pool 'gpu'" in run.explain()
    assert "penstock pool set 'gpu'" in run_dag(dag, pools={}).explain("train")


def test_a_result_that_is_given_stands_for_its_task() -> None:
    with DAG("given") as dag:

        @task
        def download() -> list[int]:
            raise AssertionError("there is no network here")

        @task
        def each(x: int) -> int:
            raise AssertionError("this takes an hour")

        @task(multiple_outputs=True)
        def split(values: Any) -> dict[str, Any]:
            raise AssertionError("neither this")

        @task
        def total(values: Any, train: int) -> int:
            return sum(values) + train

        sizes = split(each.expand(x=download()))
        total([1], sizes["train"])
    given = {"download": [1, 2], "each": [10, 20], "split": {"train": 5, "test": 1}}
    run = run_dag(dag, xcoms=given)
    assert (run.state, run.tasks["each"].xcom, run.tasks["total"].xcom) == (
        "success",
        [10, 20],
        6,
    )
    with pytest.raises(TrialError, match=r"no task 'upload'"):
        run_dag(dag, xcoms={"upload": 1})


def test_a_task_s_time_limit_raises_where_it_is() -> None:
    with DAG("slow") as dag:

        @task(execution_timeout=timedelta(seconds=0.05))
        def spin() -> None:
            while True:
                pass

        @task(execution_timeout=timedelta(seconds=0.05))
        async def wait() -> None:
            await asyncio.sleep(60)

        spin()
        wait()
    run = run_dag(dag)
    assert run.tasks["spin"].reason == "timed out after 0.05 s"
    assert run.tasks["wait"].reason == "timed out after 0.05 s"


def test_what_a_task_changes_in_its_process_is_put_back() -> None:
    with DAG("messy") as dag:

        @task
        def mess() -> None:
            os.environ["LEFT_BEHIND"] = "1"
            os.chdir("/")

        @task
        def look() -> bool:
            return "LEFT_BEHIND" in os.environ

        mess() >> look()
    before, place = dict(os.environ), os.getcwd()
    assert run_dag(dag).tasks["look"].xcom is False
    assert (dict(os.environ), os.getcwd()) == (before, place)


def test_large_values_go_by_a_file_and_are_there_afterwards() -> None:
    with DAG("large") as dag:

        @task
        def make() -> list[int]:
            return list(range(100_000))

        @task
        def count(values: Any) -> int:
            return len(values)

        count(make())
    run = run_dag(dag)
    assert run.tasks["count"].xcom == 100_000
    assert run.tasks["make"].xcom[-1] == 99_999


@pytest.mark.ml
def test_arrays_and_frames_are_there_afterwards() -> None:
    numpy, pandas = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    with DAG("arrays") as dag:

        @task
        def array() -> Any:
            return numpy.arange(1_000_000)

        @task
        def frame(values: Any) -> Any:
            return pandas.DataFrame({"x": values[:50_000]})

        frame(array())
    run = run_dag(dag)
    assert int(run.tasks["array"].xcom.sum()) == 499_999_500_000
    assert run.tasks["frame"].xcom["x"].iloc[-1] == 49_999


def test_what_a_task_s_thread_prints_is_the_task_s() -> None:
    with DAG("threads") as dag:

        @task
        def start() -> None:
            import threading

            thread = threading.Thread(target=print, args=("from a thread",))
            thread.start()
            thread.join()

        start()
    assert "from a thread" in run_dag(dag).tasks["start"].log


def test_a_dag_tests_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with DAG("itself") as dag:
        BashOperator(task_id="say", bash_command="echo {{ params.word }}", params={"word": "no"})
    run = dag.test(logical_date=datetime(2026, 1, 1, tzinfo=UTC), run_conf={"word": "yes"})
    assert (run.state, run.tasks["say"].xcom) == ("success", "yes")
    printed = capsys.readouterr()
    assert "say: running" in printed.err
    assert "itself/manual__2026-01-01T00:00:00.000000+00:00  success" in printed.out


def test_a_dag_tests_itself_with_files_as_airflow_exports_them(tmp_path: Path) -> None:
    (tmp_path / "variables.yaml").write_text("region: eu\n")
    (tmp_path / "connections.json").write_text('{"lake": "http://lake.example"}')
    with DAG("files") as dag:
        BashOperator(task_id="say", bash_command="echo {{ var.value.region }} {{ conn.lake.host }}")
        BashOperator(task_id="wait", bash_command="exit 1")
    run = dag.test(
        conn_file_path=str(tmp_path / "connections.json"),
        variable_file_path=str(tmp_path / "variables.yaml"),
        mark_success_pattern="wa.t",
    )
    assert (run.state, run.tasks["say"].xcom) == ("success", "eu lake.example")


def test_marked_tasks_succeed_unrun() -> None:
    with DAG("marked") as dag, TaskGroup("prepare"):
        BashOperator(task_id="download", bash_command="exit 1")
    assert run_dag(dag, mark_success=r"prepare\..*").state == "success"
    assert run_dag(dag, mark_success=r"prepare").state == "failed"


def test_an_error_of_the_program_is_none_of_its_own() -> None:
    with DAG("rude") as dag:

        @task
        def leave() -> None:
            raise SystemExit(0)

        @task
        def interrupt() -> None:
            raise KeyboardInterrupt

        leave()
        interrupt()
    assert run_dag(dag).states == {"leave": "failed", "interrupt": "failed"}


async def test_it_runs_inside_of_a_running_loop_too() -> None:
    with DAG("nested") as dag:

        @task
        async def one() -> int:
            return 1

        @task
        def two() -> int:
            return asyncio.run(asyncio.sleep(0, 2))

        one()
        two()
    run = run_dag(dag)
    assert (run.tasks["one"].xcom, run.tasks["two"].xcom) == (1, 2)


def test_a_task_that_is_not_there_is_named() -> None:
    with DAG("small") as dag:
        EmptyOperator(task_id="one")
    with pytest.raises(NoSuchTaskError, match=r"no task 'two' \(it has: one\)"):
        run_dag(dag).tasks["two"]


def test_it_answers_as_a_dag_run_does() -> None:
    with DAG("alike") as dag:

        @task
        def give() -> str:
            return "it"

        give()
    run = run_dag(dag, logical_date=datetime(2026, 1, 1, tzinfo=UTC))
    one = run.get_task_instance("give")
    assert one is not None
    assert one.xcom_pull(task_ids="give") == "it"
    assert [each.task_id for each in run.get_task_instances(state="success")] == ["give"]
    assert run.get_task_instance("other") is None
