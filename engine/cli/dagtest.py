"""`penstock dags test`: a DAG run to its end in one process, without a daemon."""

from __future__ import annotations

from typing import Any

import click

from penstock.cli.daemon import Place, place_options
from penstock.cli.output import emit, json_option
from penstock.cli.trials import carry_out, request_of, trial_options


@click.command("test")
@click.argument("target", metavar="FILE[::DAG_ID]|DAG_ID")
@click.argument("logical_date", metavar="[LOGICAL_DATE|none]", required=False)
@trial_options
@click.option("--mark-success-pattern", metavar="REGEX", help="Tasks that succeed unrun.")
@click.option("--real-time", is_flag=True, help="Really wait for retries and sensors.")
@click.option("--xcoms", is_flag=True, help="Print the XComs, too.")
@place_options
@json_option
def command(
    place: Place,
    target: str,
    logical_date: str | None,
    mark_success_pattern: str | None,
    real_time: bool,
    xcoms: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Run a DAG in one process of its own, task after task, without a daemon.

    Retries and sensors wait in virtual time: at once. Breakpoints work. Exit code 0: it succeeded,
    1: it failed or could not go on.
    """
    request = request_of(place, target, logical_date, **options)
    request |= {"mark_success": mark_success_pattern, "real_time": real_time, "xcoms": xcoms}
    document = carry_out("test_dag", request)
    emit(document, as_json, lambda: show(document))
    if document["state"] != "success":
        click.get_current_context().exit(1)


def show(document: dict[str, Any]) -> None:
    """Print what became of a run that was tried."""
    from penstock.cli.report import print_run

    click.echo(err=True)
    print_run(document)
    for sentence in document["waits"]:
        click.echo(sentence)
