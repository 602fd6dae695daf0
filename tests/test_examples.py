"""The examples and the benchmarks' DAG files are read as users' files are, each in a child."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
READ = "import sys; from penstock.worker.dagfile import parse; print(parse(sys.argv[1]).decode())"


def dag_of(file: str) -> dict[str, Any]:
    command = [sys.executable, "-c", READ, str(ROOT / file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    parsed = json.loads(done.stdout)
    assert parsed.get("error") is None, parsed["error"]
    (dag,) = parsed["dags"]
    return dag


@pytest.mark.parametrize(("name", "tasks"), [("chain40", 40), ("fan", 3), ("cpu10", 1)])
def test_a_benchmark_is_a_dag_of_its_file_s_name(name: str, tasks: int) -> None:
    dag = dag_of(f"benchmarks/dags/{name}.py")
    assert (dag["dag_id"], len(dag["tasks"])) == (name, tasks)


@pytest.mark.ml
def test_the_benchmark_of_dataframes_hands_them_on_five_times() -> None:
    pytest.importorskip("pandas")
    assert [task.get("upstream", []) for task in dag_of("benchmarks/dags/frames.py")["tasks"]] == [
        [],
        ["make"],
        *([f"hand_on_{number}"] for number in range(1, 5)),
    ]


@pytest.mark.ml
def test_the_retraining_workflow_trains_three_families_side_by_side() -> None:
    pytest.importorskip("sklearn")
    dag = dag_of("examples/ml_retraining.py")
    upstream = {task["task_id"]: set(task.get("upstream", [])) for task in dag["tasks"]}
    trained = {name for name in upstream if name.startswith("train_")}
    assert {name: upstream[name] for name in trained} == {
        "train_logistic": {"preprocess"},
        "train_forest": {"preprocess"},
        "train_boosting": {"preprocess"},
    }
    assert trained <= upstream["deploy"]
    assert dag["schedule"]["cron"] == "0 0 * * 0"
