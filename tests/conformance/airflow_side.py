"""Has Airflow run DAG files: its scheduler, its API server, its triggerer, on SQLite.

Run by the Python of an environment that has Airflow, never imported here:

    AIRFLOW_PYTHON airflow_side.py HOME RESULTS SECONDS [FILE]...

Everything is told to Airflow by the environment, and all that it writes lies below HOME. RESULTS
becomes a JSON object, file name to what was observed (`expectations.differences` says its form).
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).parent))
import expectations

ROLES = ("api-server", "dag-processor", "scheduler", "triggerer")
PAUSE = 2.0
START = 180.0
RUN_SECONDS = "40"
AT_ONCE = 16
"""Files on their way at a time: with all of them tasks wait for minutes, and time out."""


def settings(home: Path, dags: Path) -> dict[str, str]:
    """Return the environment in which Airflow stands alone below `home`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = {
        "AIRFLOW_HOME": home,
        "AIRFLOW__CORE__DAGS_FOLDER": dags,
        "AIRFLOW__CORE__LOAD_EXAMPLES": False,
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": False,
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": 4,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": True,
        "AIRFLOW__CORE__FERNET_KEY": "",
        "AIRFLOW__API__PORT": port,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__WORKERS": 1,
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": 60,  # seconds; 5 are too few under load
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": 3600,
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": 3600,
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": 2,
        "AIRFLOW__SCHEDULER__MAX_DAGRUNS_TO_CREATE_PER_LOOP": 50,
        "AIRFLOW__SCHEDULER__MAX_DAGRUNS_PER_LOOP_TO_SCHEDULE": 50,
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }
    return {name: str(value) for name, value in said.items()}


class Airflow:
    """Its processes, and questions to its database."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        airflow = [sys.executable, "-m", "airflow"]
        subprocess.run([*airflow, "db", "migrate"], check=True, stdout=subprocess.DEVNULL)
        for role in ROLES:
            log = open(self.home / f"{role}.log", "wb")  # noqa: SIM115  as long as its process
            self.processes.append(subprocess.Popen([*airflow, role], stdout=log, stderr=log))
        until = time.monotonic() + START
        while not self.answers():  # a task that finds no API server fails
            if time.monotonic() > until:
                raise SystemExit(f"Airflow's API server did not start: {self.home}/api-server.log")
            time.sleep(PAUSE)

    def answers(self) -> bool:
        port = os.environ["AIRFLOW__API__PORT"]
        try:
            with urlopen(f"http://127.0.0.1:{port}/api/v2/version", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()

    def known(self) -> dict[str, str]:
        """Return the DAGs that are serialized: their ids, and their files' names."""
        from airflow.models.dag import DagModel
        from airflow.models.serialized_dag import SerializedDagModel
        from airflow.utils.session import create_session

        with create_session() as session:
            wanted = session.query(DagModel.dag_id, DagModel.relative_fileloc).join(
                SerializedDagModel, SerializedDagModel.dag_id == DagModel.dag_id
            )
            return {dag_id: Path(file).stem for dag_id, file in wanted}

    def broken(self) -> dict[str, str]:
        """Return the last line of what kept a file from being read, by the file's name."""
        from airflow.models.errors import ParseImportError
        from airflow.utils.session import create_session

        with create_session() as session:
            return {
                Path(row.filename).stem: row.stacktrace.strip().splitlines()[-1]
                for row in session.query(ParseImportError)
            }

    def trigger(self, dag_id: str, run_id: str, given: expectations.Given) -> str | None:
        """Trigger a run; return why it is refused, None if it is not."""
        from airflow.api.common.trigger_dag import trigger_dag
        from airflow.utils.types import DagRunTriggeredByType

        try:
            trigger_dag(
                dag_id,
                triggered_by=DagRunTriggeredByType.CLI,
                run_id=run_id,
                conf=given.conf or {},
                logical_date=given.logical_date,
                run_after=given.logical_date,
            )
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return None

    def run(self, dag_id: str, run_id: str | None) -> dict[str, Any] | None:
        """Return what became of a run, of a DAG's first one without an id; None: not over."""
        from airflow.models.dagrun import DagRun
        from airflow.models.taskinstance import TaskInstance
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session

        with create_session() as session:
            runs = session.query(DagRun).filter(DagRun.dag_id == dag_id)
            if run_id:
                runs = runs.filter(DagRun.run_id == run_id)
            run = runs.order_by(DagRun.id).first()
            if run is None or str(run.state) not in expectations.ENDED:
                return None
            mine = {"dag_id": dag_id, "run_id": run.run_id}
            instances = list(session.query(TaskInstance).filter_by(**mine))
            if any(str(one.state) in ("running", "queued") for one in instances):
                return None  # a run may be over before the last teardown is
            xcoms = list(session.query(XComModel).filter_by(**mine))
            return {
                "run": str(run.state),
                "tasks": {
                    expectations.name_of(one.task_id, one.map_index): expectations.state_of(
                        str(one.state) if one.state else None, one.try_number
                    )
                    for one in instances
                },
                "xcoms": {
                    expectations.name_of(one.task_id, one.map_index, one.key): value_of(one)
                    for one in xcoms
                    if expectations.is_compared(one.key)
                },
            }


def value_of(xcom: Any) -> Any:
    from airflow.sdk.serde import deserialize

    return expectations.plain(deserialize(xcom.value))


class Course:
    """One file on its way: its runs one after the other, then what follows elsewhere."""

    def __init__(self, airflow: Airflow, subject: expectations.Subject) -> None:
        self.airflow, self.dag_id, self.subject = airflow, subject.name, subject
        self.given = subject.given()
        self.started = 0
        self.observed: dict[str, Any] = {"runs": [], "others": {}, "files": {}}

    def step(self) -> bool:
        """Go on as far as one can; return whether all of it is over."""
        while len(self.observed["runs"]) < len(self.given):
            number = len(self.observed["runs"]) + 1
            run_id = expectations.RUN_ID.format(number)
            if self.started < number:
                self.started = number
                refused = self.airflow.trigger(self.dag_id, run_id, self.given[number - 1])
                if refused:
                    self.observed["runs"].append({"refused": refused})
                    continue
            seen = self.airflow.run(self.dag_id, run_id)
            if seen is None:
                return False
            self.observed["runs"].append(seen)
        return self.others_are_over() and self.files_are_there()

    def others_are_over(self) -> bool:
        for dag_id in self.subject.others:
            if dag_id not in self.observed["others"]:
                seen = self.airflow.run(dag_id, None)
                if seen is None:
                    return False
                self.observed["others"][dag_id] = seen
        return True

    def files_are_there(self) -> bool:
        folder = Path(os.environ["CONFORMANCE_FILES"])
        for name, text in self.subject.files.items():
            path = folder / name
            self.observed["files"][name] = path.read_text() if path.exists() else ""
            if len(self.observed["files"][name]) < len(text):
                return False
        return True

    def given_up(self) -> dict[str, Any]:
        nothing = {"run": "not over", "tasks": {}, "xcoms": {}}
        missing = len(self.given) - len(self.observed["runs"])
        self.observed["runs"] += [nothing] * missing
        for dag_id in self.subject.others:
            self.observed["others"].setdefault(dag_id, nothing)
        return self.observed


def observe(airflow: Airflow, seconds: float, only: tuple[str, ...]) -> dict[str, Any]:
    """Run the DAG files, all or only some, and return what became of each."""
    subjects = {one.name: one for one in expectations.subjects() if not only or one.name in only}
    results: dict[str, Any] = {}
    courses: dict[str, Course] = {}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for dag_id, file in airflow.known().items():
            if dag_id == file and file in subjects:
                courses.setdefault(file, Course(airflow, subjects[file]))
        for file, error in airflow.broken().items():
            if file in subjects:
                results.setdefault(file, {"error": error})
        on_their_way = [name for name in courses if name not in results][:AT_ONCE]
        for name in on_their_way:
            if courses[name].step():
                results[name] = courses[name].observed
        waiting = subjects.keys() - results.keys()
        said = f"{datetime.now(UTC):%H:%M:%S} {len(results)} over, {len(waiting)} under way"
        print(said, " ".join(on_their_way[:8]), flush=True)
        if not waiting:
            break
        time.sleep(PAUSE)
    for name in courses.keys() - results.keys():
        results[name] = courses[name].given_up()
    return results


def main(home: str, out: str, seconds: str, *only: str) -> None:
    folder = Path(home)
    files = folder / "files"
    files.mkdir(parents=True, exist_ok=True)
    os.environ.update(settings(folder, expectations.FOLDER), CONFORMANCE_FILES=str(files))
    os.environ["CONFORMANCE_RUN_SECONDS"] = RUN_SECONDS
    os.environ.update(expectations.ENVIRONMENT)
    airflow = Airflow(folder)
    try:
        airflow.start()
        results = observe(airflow, float(seconds), only)
    finally:
        airflow.stop()
    Path(out).write_text(json.dumps(results, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
