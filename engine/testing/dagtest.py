"""`dag.test()`: a run on the terminal of whoever calls it, from a plain `python my_dag.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import click

from penstock.authoring.dag import DAG
from penstock.cli.exchange import read_connections, read_variables
from penstock.cli.progress import Lines
from penstock.cli.report import print_run
from penstock.events.types import NOT_MAPPED, Attempt
from penstock.testing.results import RunResult
from penstock.testing.trying import run_dag


class Terminal(Lines):
    """Says on stderr which task begins, and what became of each."""

    def began(self, attempt: Attempt) -> None:
        place = attempt.task if attempt.index == NOT_MAPPED else f"{attempt.task}[{attempt.index}]"
        tried = f" (try {attempt.try_number})" if attempt.try_number > 1 else ""
        click.secho(f"{place}: running{tried}", err=True, dim=True)

    def reached(self, data: dict[str, Any]) -> None:
        self.heard(data)


def test(
    dag: DAG,
    *,
    logical_date: Any,
    run_conf: Mapping[str, Any] | None,
    conn_file_path: str | None,
    variable_file_path: str | None,
    mark_success_pattern: str | re.Pattern[str] | None,
    real_time: bool,
) -> RunResult:
    """Run the DAG, its output on the terminal; print what became of it and return that.

    conn_file_path, variable_file_path: JSON, YAML or `.env`, as Airflow exports them. Raises what
    `run_dag` raises, UsageError for files that cannot be read.
    """
    read = read_variables(variable_file_path) if variable_file_path else {}
    found = run_dag(
        dag,
        conf=run_conf,
        logical_date=logical_date,
        variables={key: said["value"] for key, said in read.items()},
        connections=read_connections(conn_file_path) if conn_file_path else None,
        mark_success=mark_success_pattern,
        real_time=real_time,
        listener=Terminal(),
    )
    click.echo(err=True)
    print_run(found.document())
    for sentence in found.waits:
        click.echo(sentence)
    return found
