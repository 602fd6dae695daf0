"""The document of a run, for people: what became of each task, and of the run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import click

from penstock.cli.output import one_line, table
from penstock.cli.times import seconds_between, span

WIDE = 16
"""Instances of one task up to which each has a row; beyond, only what went wrong has."""

MOST_ODD = 20


def print_run(document: dict[str, Any]) -> None:
    """Print the table of tasks, the XComs if there are any, and the run's state as last line."""
    heads = ("task", "index", "state", "try", "took", "reason")
    table(heads, list(_rows(document["tasks"])))
    if document.get("xcoms"):
        click.echo()
        print_xcoms(document["xcoms"])
    click.echo()
    state = document["state"]
    took = span(seconds_between(document["started_at"], document["ended_at"]))
    colour = {"success": "green", "failed": "red", "quarantined": "red"}.get(state, "cyan")
    where = f"{document['dag_id']}/{document['run_id']}"
    why = document.get("reason", "").removeprefix(f"{state}: ")  # the word stands there already
    reason = f": {one_line(why)}" if why else ""
    ended = f" in {took}" if took else ""
    click.echo(f"{where}  {click.style(state, fg=colour, bold=True)}{ended}{reason}")


def print_xcoms(xcoms: list[dict[str, Any]]) -> None:
    rows = [
        (
            one["task_id"],
            "" if one["map_index"] < 0 else one["map_index"],
            one["key"],
            # As JSON but for texts: a list of one is not what it holds.
            one["value"]
            if isinstance(one["value"], str)
            else json.dumps(one["value"], ensure_ascii=False),
        )
        for one in xcoms
    ]
    table(("task", "index", "XCom", "value"), rows)


def _rows(tasks: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for task_id, group in groupby(tasks, key=lambda task: task["task_id"]):
        instances = list(group)
        if len(instances) <= WIDE:
            yield from map(_row, instances)
        else:
            yield from _summary(task_id, instances)


def _summary(task_id: str, instances: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """One row a state, then the instances that went wrong, as far as a person reads them."""
    states = Counter(str(instance["state"]) for instance in instances)
    for state, number in states.most_common():
        yield (task_id, f"{number} of {len(instances)}", state, "", "", "")
    odd = [one for one in instances if one["state"] in ("failed", "upstream_failed")]
    yield from map(_row, odd[:MOST_ODD])


def _row(instance: dict[str, Any]) -> tuple[Any, ...]:
    return (
        instance["task_id"],
        "" if instance["map_index"] < 0 else instance["map_index"],
        instance["state"] or "none",
        instance["try_number"] or "",
        span(seconds_between(instance["started_at"], instance["ended_at"])),
        instance["reason"] or "",
    )
