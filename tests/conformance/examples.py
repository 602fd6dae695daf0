"""The example DAGs that Airflow ships, here: which of them are read, and end as they do there.

Never committed: they are taken from an installed Airflow and copied into a folder for the run. A
DAG with a schedule runs by that, too; what is compared is the one run that was asked for.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conformance import expectations, penstock_side
from tests.conformance.expectations import Subject

SLOTS = 16
"""Sensors in poke mode hold theirs until the time is up."""

PLACES = ("example_dags", "providers/standard/example_dags")


def copy(package: Path, to: Path) -> None:
    """Copy the examples of the installed package `airflow` into one folder."""
    for place in PLACES:
        shutil.copytree(
            package / place,
            to,
            ignore=shutil.ignore_patterns("__init__.py", "__pycache__"),
            dirs_exist_ok=True,
        )


def names(dags: Path) -> str:
    """Return the sum that `penstock dags check` draws of the folder: which names would work."""
    command = [sys.executable, "-m", "penstock.cli", "dags", "check", str(dags)]
    return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[-1]


def rows(folder: Path, dags: Path, theirs: dict[str, Any]) -> list[dict[str, str]]:
    """Run them below `folder`, a new one, and return a row for each DAG that Airflow can read.

    theirs: what `airflow_examples` observed. A row: dag, file, airflow (the run's state), here:
    `same`, `differs` or `refused`; or `not compared`, where Airflow's run was not over; and why.
    """
    wanted = {dag_id: one for dag_id, one in theirs.items() if "error" not in one}
    subjects = [Subject(dag_id, one["file"]) for dag_id, one in sorted(wanted.items())]
    ours = penstock_side.observe(folder, dags, subjects, slots=SLOTS)
    return [
        {"dag": dag_id, "file": one["file"], "airflow": one.get("run") or "not begun"}
        | _judged(one, ours[dag_id])
        for dag_id, one in sorted(wanted.items())
    ]


def _judged(theirs: dict[str, Any], ours: dict[str, Any]) -> dict[str, str]:
    if "error" in ours:
        why = ours["error"].strip().splitlines()[-1]
        return {"here": "refused", "why": why.replace(sys.executable, "python")}
    seen = ours["runs"][0]
    if seen.get("refused"):
        same = "raised" in theirs and "run" not in theirs
        return {"here": "same" if same else "refused", "why": seen["refused"]}
    if theirs.get("run") not in expectations.ENDED:
        return {"here": "not compared", "why": f"here the run is {seen['run']}"}
    found = list(_differences(theirs, seen))
    more = f"; and {len(found) - 2} more" if len(found) > 2 else ""
    return {"here": "differs" if found else "same", "why": "; ".join(found[:2]) + more}


def _differences(theirs: dict[str, Any], ours: dict[str, Any]) -> Iterator[str]:
    if theirs["run"] != ours["run"]:
        yield f"the run is {ours['run']}"
    for name in sorted(theirs["tasks"].keys() | ours["tasks"].keys()):
        state, wanted = ours["tasks"].get(name, "not there"), theirs["tasks"].get(name, "not there")
        if state != wanted:
            yield f"{name} is {state}, there {wanted}"
