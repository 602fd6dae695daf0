"""How answers are printed: one JSON document, or text for people, on stdout and nothing else there.

On a terminal tables have colour; piped they are plain columns, one row a line, never cut.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")

COLOURS = {
    "success": "green",
    "running": "cyan",
    "ok": "green",
    "failed": "red",
    "dead": "red",
    "wrong": "red",
    "quarantined": "red",
    "upstream_failed": "yellow",
    "up_for_retry": "yellow",
    "skipped": "bright_black",
}
"""What a word is painted in, wherever it stands alone in a cell."""


def emit(document: Any, as_json: bool, render: Callable[[], None]) -> None:
    """Print the answer: `document` as JSON, or whatever `render` prints."""
    if as_json:
        import msgspec

        # msgspec first: whole documents hold structs and raw JSON from the log.
        plain = json.loads(msgspec.json.encode(document))
        json.dump(plain, sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        render()


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str = "") -> None:
    """Print rows under their heads; `empty` on stderr if there are none."""
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        if empty:
            click.echo(empty, err=True)
        return
    widths = [max(len(row[at]) for row in [heads, *cells]) for at in range(len(heads))]
    click.secho(_line(heads, widths), bold=True)
    for row in cells:
        click.echo(_line(row, widths, paint=True))


def fields(rows: Iterable[tuple[str, Any]]) -> None:
    """Print `name  value` lines; those without a value are left out."""
    told = [(name, _cell(value)) for name, value in rows if value not in (None, "", [], {})]
    width = max((len(name) for name, _ in told), default=0)
    for name, value in told:
        click.echo(f"{click.style(name.ljust(width), bold=True)}  {_paint(value, value)}")


def _line(row: Sequence[str], widths: Sequence[int], *, paint: bool = False) -> str:
    padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
    padded[-1] = padded[-1].rstrip()
    painted = [_paint(cell, text) for cell, text in zip(row, padded, strict=True)]
    return "  ".join(painted if paint else padded).rstrip()


def _paint(word: str, text: str) -> str:
    colour = COLOURS.get(word)
    return click.style(text, fg=colour) if colour else text


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return one_line(", ".join(map(str, value)))
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def one_line(text: str) -> str:
    """Return text as one line that only shows: no newline breaks a table, no code a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
