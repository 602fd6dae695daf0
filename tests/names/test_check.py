"""`penstock dags check`: what would become of a DAG file's names, told without running it."""

from __future__ import annotations

import json
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from penstock.airflow.check import FileReport, check_file, python_files
from penstock.cli.dags import command
from penstock.errors import UsageError

LATER = "airflow.models.serialized_dag"


@pytest.fixture
def check(tmp_path: Path) -> Any:
    def check(text: str) -> FileReport:
        path = tmp_path / "dag.py"
        path.write_text(textwrap.dedent(text))
        return check_file(path)

    return check


def told(report: FileReport) -> list[tuple[int, str, str]]:
    return [(use.line, use.name, use.state if use.runs else "-") for use in report.uses]


def test_imports_are_served_or_named(check: Any) -> None:
    report = check(
        f"""
        from airflow.sdk import DAG
        from airflow.operators.python_operator import PythonOperator
        from {LATER} import SerializedDagModel
        from airflow.providers.nowhere.hooks.x import XHook
        from airflow.providers.cncf import kubernetes
        from airflow.sdk import Nonsense
        from airflow.contrib.hooks.aws_hook import AwsHook
        """
    )
    assert told(report) == [
        (2, "airflow.sdk.DAG", "served"),
        (3, "airflow.operators.python_operator.PythonOperator", "old name"),
        (4, f"{LATER}.SerializedDagModel", "not yet"),
        (5, "airflow.providers.nowhere.hooks.x.XHook", "not installed"),
        (6, "airflow.providers.cncf.kubernetes", "not installed"),
        (7, "airflow.sdk.Nonsense", "unknown"),
        (8, "airflow.contrib.hooks.aws_hook.AwsHook", "gone"),
    ]
    assert "airflow.providers.standard.operators.python.PythonOperator" in report.uses[1].instead
    assert "a DAG file has no database" in report.uses[2].instead
    assert "penstock providers install nowhere" in report.uses[3].instead
    assert "the provider package that took its place" in report.uses[6].instead
    assert not report.works


def test_the_standard_provider_is_never_to_be_installed(check: Any) -> None:
    report = check(
        """
        from airflow.providers.standard.operators.bash import BashOperator, Nonsense
        from airflow.providers.standard.get_provider_info import get_provider_info
        """
    )
    assert [state for _, _, state in told(report)] == ["served", "unknown", "unknown"]


def test_attributes_of_modules_are_uses(check: Any) -> None:
    report = check(
        f"""
        import airflow
        import airflow.utils.dates as dates
        import {LATER}
        from airflow import models
        from airflow.operators import bash

        with airflow.DAG("d", start_date=dates.days_ago(2)):
            bash.BashOperator(task_id="a", bash_command="true")
            models.DagBag()
            {LATER}.SerializedDagModel.get("d")
        """
    )
    assert [one for one in told(report) if one[0] > 7] == [
        (8, "airflow.DAG", "served"),
        (8, "airflow.utils.dates.days_ago", "served"),
        (9, "airflow.operators.bash.BashOperator", "old name"),
        (10, "airflow.models.DagBag", "not yet"),
        (11, f"{LATER}.SerializedDagModel", "not yet"),
    ]


def test_kinds_of_task_are_uses_and_a_parameter_named_task_is_none(check: Any) -> None:
    report = check(
        """
        from airflow.sdk import task

        @task.run_if(lambda context: True)
        @task.docker(image="x")
        def one(): ...

        @task.nonsense
        def two(): ...

        def callback(task):
            task.params

        condition = lambda task: task.params
        """
    )
    assert told(report)[1:] == [
        (4, "@task.run_if", "served"),
        (5, "@task.docker", "not installed"),
        (8, "@task.nonsense", "unknown"),
    ]


def test_what_would_not_run_counts_for_nothing(check: Any) -> None:
    report = check(
        f"""
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from {LATER} import SerializedDagModel
        try:
            from airflow.sdk import DAG
        except ImportError:
            from airflow.nowhere import DAG
        try:
            from airflow.nowhere import task
        except (ImportError, AttributeError):
            from airflow.decorators import task
        if not TYPE_CHECKING:
            from airflow.sdk import chain
        else:
            from airflow.nowhere import chain
        try:
            try:
                from airflow.nowhere import dag
            except ImportError:
                from airflow.sdk import dag
        except ImportError:
            from airflow.elsewhere import dag
        """
    )
    assert told(report) == [
        (4, f"{LATER}.SerializedDagModel", "-"),
        (6, "airflow.sdk.DAG", "served"),
        (8, "airflow.nowhere.DAG", "-"),
        (10, "airflow.nowhere.task", "-"),
        (12, "airflow.decorators.task", "old name"),
        (14, "airflow.sdk.chain", "served"),
        (16, "airflow.nowhere.chain", "-"),
        (19, "airflow.nowhere.dag", "-"),
        (21, "airflow.sdk.dag", "served"),
        (23, "airflow.elsewhere.dag", "-"),
    ]
    assert report.works


def test_what_does_less_than_its_name_says_is_served_with_a_word(check: Any) -> None:
    (use,) = check("from airflow.plugins_manager import AirflowPlugin\n").uses
    assert (use.state, use.instead) == ("served", "plugins are not loaded yet")


def test_a_file_that_cannot_be_read_is_told_of(tmp_path: Path, check: Any) -> None:
    assert "line 2" in check("\nimport airflow as\n").error
    assert check(b"# airflow\0".decode()).error
    assert not check_file(tmp_path / "absent.py").works
    with pytest.raises(UsageError, match="no such file or folder"):
        list(python_files([tmp_path / "absent"]))


def test_the_command_sums_up_and_exits_by_it(tmp_path: Path) -> None:
    (tmp_path / "below" / "__pycache__").mkdir(parents=True)
    (tmp_path / "below" / "__pycache__" / "no.py").write_text("from airflow.sdk import Nonsense")
    (tmp_path / "below" / "good.py").write_text("from airflow.sdk import DAG\n")
    good = CliRunner().invoke(command, ["check", str(tmp_path)])
    assert good.exit_code == 0
    assert "1 of 1 files: every name works. 1 name: 1 served" in good.output

    (tmp_path / "bad.py").write_text(f"from {LATER} import SerializedDagModel\n")
    bad = CliRunner().invoke(command, ["check", str(tmp_path), "--problems"])
    assert bad.exit_code == 1
    assert f"{tmp_path}/bad.py:1  {LATER}.SerializedDagModel  not yet  a DAG file" in bad.output
    assert "good.py" not in bad.output

    told = json.loads(CliRunner().invoke(command, ["check", str(tmp_path), "--json"]).stdout)
    assert told["ok"] is False
    assert told["names"]["served"] == told["names"]["not yet"] == 1
    assert told["files"][0]["uses"][0]["line"] == 1


def test_five_hundred_files_take_seconds(tmp_path: Path) -> None:
    body = "from airflow.sdk import DAG, task\n" + "".join(
        f"@task\ndef work_{number}(x: int) -> int:\n    return x + {number}\n\n"
        for number in range(40)
    )
    for number in range(500):
        (tmp_path / f"dag_{number}.py").write_text(body)
    began = time.process_time()
    assert all(check_file(path).works for path in python_files([tmp_path]))
    assert time.process_time() - began < 10
