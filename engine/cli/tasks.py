"""`penstock tasks`: one task of a DAG, tried alone, or its templates rendered."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import click

from penstock.cli.daemon import Place, place_options
from penstock.cli.output import emit, json_option, table
from penstock.cli.trials import carry_out, request_of, trial_options
from penstock.errors import UsageError


@click.group("tasks")
def command() -> None:
    """Try one task, or show its rendered templates."""


def task_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add which task, and what stands for the tasks above it."""
    options = (
        click.argument("target", metavar="FILE[::DAG_ID]|DAG_ID"),
        click.argument("task"),
        click.argument("logical_date", metavar="[LOGICAL_DATE|none]", required=False),
        trial_options,
        click.option(
            "--map-index", type=click.IntRange(min=0), metavar="N", help="Which instance."
        ),
        click.option(
            "--xcom",
            "xcoms",
            metavar="TASK=JSON",
            multiple=True,
            help="What a task above returned. Repeatable.",
        ),
        place_options,
        json_option,
    )
    for option in reversed(options):
        function = option(function)
    return function


@command.command("test")
@task_options
@click.option("--real-time", is_flag=True, help="Really wait for sensors.")
def test(
    place: Place,
    target: str,
    task: str,
    logical_date: str | None,
    map_index: int | None,
    xcoms: tuple[str, ...],
    real_time: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Run TASK once, without the tasks that it depends on; print its log and its XComs.

    Exit code 0: it succeeded or skipped itself, 1: it failed.
    """
    from penstock.cli.dagtest import show

    request = request_of(place, target, logical_date, **options)
    request |= {"task": task, "map_index": map_index, "given": given(xcoms), "real_time": real_time}
    document = carry_out("test_task", request)
    emit(document, as_json, lambda: show(document))
    if document["state"] != "success":
        click.get_current_context().exit(1)


@command.command("render")
@task_options
def render(
    place: Place,
    target: str,
    task: str,
    logical_date: str | None,
    map_index: int | None,
    xcoms: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Print the template fields of TASK as an attempt would find them. Nothing is run."""
    request = request_of(place, target, logical_date, **options)
    request |= {"task": task, "map_index": map_index, "given": given(xcoms)}
    found = carry_out("render", request)
    rows = [(name, shown(value)) for name, value in found.items()]
    emit(found, as_json, lambda: table(("field", "value"), rows))


def shown(value: Any) -> str | None:
    """Return a field's value for a cell: a text as it is, the rest as JSON."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


def given(xcoms: Sequence[str]) -> dict[str, Any]:
    """Return what --xcom says that tasks returned, by task. Raises UsageError."""
    found = {}
    for said in xcoms:
        task, equals, text = said.partition("=")
        if not equals or not task:
            raise UsageError(f"--xcom {said!r}: write it as TASK=JSON.")
        try:
            found[task] = json.loads(text)
        except ValueError as error:
            raise UsageError(f"--xcom {said!r}: the value is no JSON: {error}.") from None
    return found
