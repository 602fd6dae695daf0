"""`penstock bench`: how fast and how small this Penstock is here, beside a bare process pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.output import emit, json_option, table
from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.bench.yardstick import Starts


@click.command("bench")
@click.option("--only", multiple=True, metavar="NAME", help="This measure; may be repeated.")
@click.option(
    "--repeat",
    type=click.IntRange(1, 1000),
    default=5,
    show_default=True,
    metavar="N",
    help="Runs of each that count; the median is shown.",
)
@json_option
def command(only: tuple[str, ...], repeat: int, as_json: bool) -> None:
    """Measure Penstock here: hops, fan-outs, CPU-bound tasks, DataFrames, memory, starts.

    A stack in a temporary home does the work several times, and a bare ProcessPoolExecutor does
    the same work in between. NAMEs: help, cold, idle, chain40, fan1000, fan10000, cpu10, frames,
    memory. Takes about three minutes.
    """
    from penstock.bench.measures import NAMES

    unknown = [name for name in only if name not in NAMES]
    if unknown:
        raise UsageError(
            f"--only {unknown[0]}: there is no such measure (there are: {', '.join(NAMES)})."
        )
    bench(only or NAMES, repeat, {}, as_json=as_json)


def bench(names: Sequence[str], repeat: int, peers: dict[str, Starts], *, as_json: bool) -> None:
    """Measure, and print the table or the JSON document."""
    import msgspec

    from penstock.bench.figures import rows
    from penstock.bench.measures import machine, measure
    from penstock.cli.interrupts import interruptible

    quicken()
    before = machine()
    figures = interruptible(measure(names, repeat, peers, _say))
    document: dict[str, Any] = {
        "machine": before | {"load_after": machine()["load"]},
        "repeat": repeat,
        "figures": [msgspec.to_builtins(one) | {"met": one.met} for one in figures],
    }

    def show() -> None:
        click.echo(", ".join(f"{name} {value}" for name, value in document["machine"].items()))
        table(*rows(figures))

    emit(document, as_json, show)


def quicken() -> None:
    """Use the coordinator's event loop: a bare publish is to be as fast as one of its own."""
    import asyncio

    try:
        import uvloop
    except ImportError:
        return
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


def _say(sentence: str) -> None:
    click.echo(f"penstock bench: {sentence}", err=True)
