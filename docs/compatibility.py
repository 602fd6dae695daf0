"""Draws docs/airflow-compatibility.md from the conformance suite: its files, and its results.

The files of tests/conformance/dags say what Airflow does; differences.py what is otherwise here;
the suite's test holds both. results.json is what `make airflow-conformance` saw last.
"""

from __future__ import annotations

import ast
import json
import runpy
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SUITE = ROOT / "tests" / "conformance"

HERE = {"same": "as there", "differs": "otherwise", "refused": "refused"}


def page(up_to_mark: str) -> str:
    """Return the page: what a person wrote, up to the mark, and what is drawn below it."""
    results = json.loads((SUITE / "results.json").read_text("utf-8"))
    known: dict[str, str] = runpy.run_path(str(SUITE / "differences.py"))["KNOWN"]
    lines = [
        "",
        *own_files(known, results["own"]),
        "",
        *examples(results["examples"], results["names"]),
    ]
    return up_to_mark + "\n".join([*lines, ""])


def own_files(known: dict[str, str], in_airflow: dict[str, list[str]]) -> list[str]:
    subjects = {path.stem: subject(path) for path in sorted((SUITE / "dags").glob("*.py"))}
    agree = len(subjects.keys() - known.keys())
    lines = [
        "## The files of the suite",
        "",
        f"{len(subjects)} files: {agree} end here as in Airflow, {len(known)} do not.",
        "",
        "| file | what it shows | here |",
        "| --- | --- | --- |",
    ]
    for name, about in subjects.items():
        here = known.get(name, "as in Airflow")
        if in_airflow.get(name):
            here += f" (when Airflow ran it last: {in_airflow[name][0]})"
        lines.append(row(f"`{name}`", about, here))
    return lines


def examples(rows: list[dict[str, str]], names: str) -> list[str]:
    counts = Counter(one["here"] for one in rows)
    said = ", ".join(f"{counts[here]} {what}" for here, what in HERE.items())
    lines = [
        "## The examples that Airflow ships",
        "",
        f"{len(rows)} DAGs, each run once with its defaults: {said}, {counts['not compared']} not",
        "compared, for they were not over in Airflow within the time. Airflow ran each alone, in",
        "process (`dag.test()`): what waits for another DAG's run ends otherwise there.",
        "",
        f"`penstock dags check` says of the folder: {names}.",
        "",
        "| DAG | file | in Airflow | here | why |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in rows:
        here = HERE.get(one["here"], one["here"])
        lines.append(
            row(f"`{one['dag']}`", f"`{one['file']}`", one["airflow"], here, one.get("why", ""))
        )
    return lines


def subject(path: Path) -> str:
    """Return the first sentence or so of a file's docstring, above its `---`."""
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return " ".join(text.partition("\n---")[0].split())


def row(*cells: Any) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
