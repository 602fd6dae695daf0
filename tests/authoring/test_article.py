"""The article's DAG file, unchanged: what its author meant happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from authoring.world import run_dag
from penstock.authoring import serialized
from penstock.worker import dagfile

ARTICLE = Path(__file__).parents[3] / "shared" / "article_dag.py"

TEXT = """
from __future__ import annotations
import pendulum
from airflow.models.dag import DAG
from airflow.operators.bash import BashOperator
from airflow.operators.python import PythonOperator

def fetch():
    return "data_v1.csv"

def evaluate(**kwargs):
    return {"accuracy": 0.95, "of": kwargs["ti"].xcom_pull(task_ids="fetch_data")}

with DAG(
    dag_id="ml_retraining_pipeline",
    schedule="@daily",
    start_date=pendulum.datetime(2023, 1, 1, tz="UTC"),
    catchup=False,
    tags=["ml", "retraining"],
) as dag:
    first = PythonOperator(task_id="fetch_data", python_callable=fetch)
    second = PythonOperator(task_id="evaluate_model", python_callable=evaluate)
    first >> second
"""


@pytest.fixture(params=["a file like it", "the article's own"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "the article's own" and ARTICLE.exists():
        return ARTICLE
    (tmp_path / "article.py").write_text(TEXT)
    return tmp_path / "article.py"


def test_it_becomes_data(file: Path) -> None:
    parsed = serialized.load_parsed(dagfile.parse(str(file)))
    assert parsed.error is None
    (dag,) = parsed.dags
    assert dag.dag_id == "ml_retraining_pipeline"
    assert dag.file == str(file)
    assert dag.tags == ("ml", "retraining")
    assert (dag.schedule.kind, dag.schedule.cron) == ("cron", "0 0 * * *")
    assert dag.schedule.start == 1_672_531_200_000_000  # 2023-01-01T00:00Z
    assert dag.tasks[0].task_id == "fetch_data"
    assert all(task.operator == "PythonOperator" for task in dag.tasks)
    assert all(len(task.upstream) <= 1 for task in dag.tasks)


def test_it_runs_to_its_end(file: Path) -> None:
    dag = dagfile.load(str(file))["ml_retraining_pipeline"]
    world = run_dag(dag)
    assert set(world.ends.values()) == {"success"}
    assert world.value("fetch_data") == "data_v1.csv"
    assert world.value("evaluate_model")["accuracy"] == 0.95


def test_a_task_that_returns_nothing_pushes_nothing(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dag = dagfile.load(str(file))["ml_retraining_pipeline"]
    if not dag.has_task("deploy_model"):
        return
    world = run_dag(dag)
    assert not world.has("deploy_model")
    assert "Deploying model with accuracy 0.95" in capsys.readouterr().out
