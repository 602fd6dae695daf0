"""Other DAGs are not run in a trial: what is triggered is noted, what is waited for has ended."""

from __future__ import annotations

import pytest

from penstock import DAG
from penstock.steps.sensors.external_task import ExternalTaskSensor
from penstock.steps.trigger_dagrun import TriggerDagRunOperator
from penstock.testing import run_dag
from penstock.testing.others import GivenStateError


@pytest.fixture
def dag() -> DAG:
    with DAG("chief") as dag:
        ExternalTaskSensor(
            task_id="wait", external_dag_id="loads", external_task_id="load", timeout=3600
        )
        TriggerDagRunOperator(
            task_id="report",
            trigger_dag_id="report",
            trigger_run_id="of_{{ ds }}",
            conf={"rows": 3},
            wait_for_completion=True,
        )
    return dag


def test_a_triggered_run_is_noted_and_has_succeeded(dag: DAG) -> None:
    run = run_dag(dag, logical_date="2026-01-31")
    assert run.state == "success", run.explain()
    (one,) = run.triggered
    assert (one.dag_id, one.run_id, one.conf) == ("report", "of_2026-01-31", {"rows": 3})
    assert "is not run, and taken as success" in run.tasks["report"].log


def test_how_other_runs_end_can_be_said(dag: DAG) -> None:
    run = run_dag(dag, other_dags={"report": "failed", "loads": "success"})
    assert run.states == {"wait": "success", "report": "failed"}


def test_a_dag_that_is_not_there_is_missing(dag: DAG) -> None:
    run = run_dag(dag, other_dags={"loads": "success"})
    assert "there is no DAG 'report'" in run.tasks["report"].reason
    late = run_dag(dag, other_dags={"report": "success"})
    assert late.states["wait"] == "failed"
    assert "timed out" in late.tasks["wait"].reason


def test_a_run_ends_well_or_badly(dag: DAG) -> None:
    with pytest.raises(GivenStateError, match="cannot end as 'running'"):
        run_dag(dag, other_dags={"report": "running"})
