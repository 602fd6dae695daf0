"""`penstock dags check`: which of Airflow's names DAG files use, and what becomes of them here.

Nothing is run and no daemon is asked: it is for who thinks of moving from Airflow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.output import emit, json_option

if TYPE_CHECKING:
    from penstock.airflow.check import FileReport, Use


@click.command("check")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--problems", is_flag=True, help="Leave out what simply works.")
@json_option
def command(paths: tuple[Path, ...], problems: bool, as_json: bool) -> None:
    """Say what would become of the Airflow names in DAG files, without running them.

    PATHS are files and folders. Exit code 1 if a name does not work here yet, or a file cannot be
    read.
    """
    from penstock.airflow.check import check_file, python_files

    found = [check_file(path) for path in dict.fromkeys(python_files(paths))]
    document = {
        "ok": all(report.works for report in found),
        "files": found,
        "names": _counted(use for report in found for use in report.uses),
    }
    emit(document, as_json, lambda: _print(found, problems))
    if not document["ok"]:
        click.get_current_context().exit(1)


def _print(found: Sequence[FileReport], problems: bool) -> None:
    for report in found:
        if not (report.uses or report.error) or (problems and report.works):
            continue
        said = report.error or _summary(report.uses)
        click.secho(f"{report.file}: {said}", bold=True, fg=None if report.works else "yellow")
        for use in report.uses:
            if not (problems and use.works):
                _line(report.file, use)
    uses = [use for report in found for use in report.uses]
    working = sum(report.works for report in found)
    click.echo(f"{working} of {len(found)} files: every name works. {_summary(uses)}")


def _line(file: str, use: Use) -> None:
    state = use.state if use.runs else f"{use.state}, not run"
    colour = "green" if use.works else "red" if use.state in ("gone", "unknown") else "yellow"
    text = f"  {file}:{use.line}  {use.name}  {click.style(state, fg=colour)}"
    click.echo(f"{text}  {use.instead}".rstrip())


def _summary(uses: Sequence[Use]) -> str:
    """Say how many names there are in each state: `12 names: 11 served, 1 not yet`."""
    many = "1 name" if len(uses) == 1 else f"{len(uses)} names"
    counts = _counted(uses) | {"not run": sum(not use.runs for use in uses)}
    told = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
    return f"{many}: {told}" if told else many


def _counted(uses: Iterable[Use]) -> dict[str, int]:
    from penstock.airflow.judge import STATES

    states = [use.state for use in uses if use.runs]
    return {state: states.count(state) for state in STATES}
