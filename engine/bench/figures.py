"""What is aimed at, and how a figure is shown: one table, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct


class Figure(Struct, kw_only=True):
    """One thing that was measured.

    value: the median of `all`. first: the run before those, which warms children up. aim: what
    `value` should not exceed (`more`: not fall short of). peers: the same work done by others, in
    the same unit, medians too. note: why there is no value, or what else was seen.
    """

    name: str
    what: str
    unit: str
    value: float | None = None
    all: tuple[float, ...] = ()
    first: float | None = None
    aim: float | None = None
    more: bool = False
    peers: dict[str, float] = {}
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the aim was met; None without an aim or a value."""
        if self.value is None or self.aim is None:
            return None
        return self.value >= self.aim if self.more else self.value <= self.aim

    def ratio(self, peer: str) -> float | None:
        """Return how many times the peer's figure ours is."""
        theirs = self.peers.get(peer)
        return self.value / theirs if self.value is not None and theirs else None


HEADS = ("measure", "figure", "unit", "aim", "met")


def rows(figures: Sequence[Figure]) -> tuple[list[str], list[list[str]]]:
    """Return the heads and rows of the table; a column for each peer, with the ratio to it."""
    peers = list(dict.fromkeys(peer for figure in figures for peer in figure.peers))
    heads = [*HEADS, *peers]
    return heads, [_row(figure, peers) for figure in figures]


def _row(figure: Figure, peers: Sequence[str]) -> list[str]:
    aim = "" if figure.aim is None else f"{'>=' if figure.more else '<='} {number(figure.aim)}"
    met = {True: "yes", False: "no", None: ""}[figure.met]
    row = [figure.what, number(figure.value), figure.unit, aim, met]
    for peer in peers:
        ratio = figure.ratio(peer)
        row.append("" if ratio is None else f"{number(figure.peers[peer])} ({ratio:.2f}x)")
    return row


def number(value: float | None) -> str:
    """Return three digits that say something; large numbers whole."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
