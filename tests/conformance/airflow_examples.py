"""Has Airflow run the example DAGs that it ships, each once, in process (`dag.test()`).

Run by the Python of an environment that has Airflow, never imported here:

    AIRFLOW_PYTHON airflow_examples.py HOME RESULTS FOLDER [SECONDS]

FOLDER is a copy of the examples. RESULTS becomes a JSON object: DAG id to its file and, if the run
was over within SECONDS, its state and its tasks' states.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import expectations


def observed(dag: Any) -> dict[str, Any]:
    """Run a DAG in process and return the states that it ends with."""
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    raised = ""
    try:
        dag.test(logical_date=expectations.LOGICAL_DATE)
    except BaseException as error:
        raised = f"{type(error).__name__}: {error}"
    with create_session() as session:
        run = session.query(DagRun).filter(DagRun.dag_id == dag.dag_id).first()
        if run is None:
            return {"raised": raised}
        instances = session.query(TaskInstance).filter(TaskInstance.dag_id == dag.dag_id)
        return {
            "run": str(run.state),
            "tasks": {
                expectations.name_of(one.task_id, one.map_index): expectations.state_of(
                    str(one.state) if one.state else None, one.try_number
                )
                for one in instances
            },
        }


def in_a_child(dag: Any, seconds: float) -> dict[str, Any]:
    """The same in a process of its own that is killed when its time is up."""
    from multiprocessing import get_context

    context = get_context("fork")
    ours, theirs = context.Pipe(duplex=False)

    def work() -> None:
        os.setsid()
        theirs.send(observed(dag))

    process = context.Process(target=work)
    process.start()
    theirs.close()
    try:
        return ours.recv() if ours.poll(seconds) else {"run": "not over"}
    except EOFError:
        return {"raised": "its process died"}
    finally:
        if process.is_alive():
            os.killpg(process.pid, signal.SIGKILL)
        process.join()


def main(home: str, out: str, folder: str, seconds: str = "40") -> None:
    plugins = Path(home) / "plugins"
    plugins.mkdir(parents=True)
    for path in (Path(folder) / "plugins").glob("*.py"):  # by the name that the examples use
        text = f"from airflow.example_dags.plugins.{path.stem} import *\n"
        (plugins / f"example_{path.name}").write_text(text)
    os.environ.update(
        AIRFLOW_HOME=home,
        AIRFLOW__CORE__DAGS_FOLDER=folder,
        AIRFLOW__CORE__PLUGINS_FOLDER=str(plugins),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__LOGGING__LOGGING_LEVEL="WARNING",
    )
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True)
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(folder)
    results: dict[str, Any] = {
        Path(file).stem: {"file": Path(file).stem, "error": error.strip().splitlines()[-1]}
        for file, error in bag.import_errors.items()
    }
    for dag_id, dag in sorted(bag.dags.items()):
        results[dag_id] = {"file": Path(dag.fileloc).stem} | in_a_child(dag, float(seconds))
        print(dag_id, results[dag_id].get("run"), flush=True)
        Path(out).write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
