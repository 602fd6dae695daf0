"""The examples and the benchmarks' DAG files are read as users' files are, each in a child."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
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


@pytest.mark.parametrize(("name", "tasks"), [("one", 1), ("chain40", 40), ("fan", 3), ("cpu10", 1)])
def test_a_benchmark_is_a_dag_of_its_file_s_name(name: str, tasks: int) -> None:
    dag = dag_of(f"engine/bench/dags/{name}.py")
    assert (dag["dag_id"], len(dag["tasks"])) == (name, tasks)


@pytest.mark.ml
def test_the_benchmark_of_dataframes_hands_them_on_five_times() -> None:
    pytest.importorskip("pandas")
    assert [
        task.get("upstream", []) for task in dag_of("engine/bench/dags/frames.py")["tasks"]
    ] == [
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


def run(*arguments: str) -> dict[str, Any]:
    """Run a DAG by the command line and return the JSON document of its run."""
    command = [str(Path(sysconfig.get_path("scripts")) / "penstock"), "run", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.mark.ml
def test_the_retraining_workflow_meets_its_own_champion_the_second_time(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    example = [str(ROOT / "examples/ml_retraining.py"), "--param", f"workdir={tmp_path}"]
    first, second = run(*example), run(*example)
    assert (first["state"], second["state"]) == ("success", "success")

    deployed = {
        document["run_id"]: {task["task_id"]: task["state"] for task in document["tasks"]}["deploy"]
        for document in (first, second)
    }
    assert list(deployed.values()) == ["success", "skipped"]
    champion = tmp_path / "champion"
    assert json.loads((champion / "metrics.json").read_text())["run_id"] == first["run_id"]
    files = ["confusion_matrix.png", "metrics.json", "model.joblib", "report.json", "roc.png"]
    assert sorted(path.name for path in champion.iterdir()) == files

    reports = [json.loads(path.read_text()) for path in tmp_path.glob("runs/*/report.json")]
    met = [report["verdict"]["champion"] for report in reports]
    assert sorted(one["run_id"] for one in met if one) == [first["run_id"]]
