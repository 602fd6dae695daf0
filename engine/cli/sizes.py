"""Sizes as people write them: bytes, or with K, M, G, T, which are powers of 1024."""

from __future__ import annotations

import re

import click

UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Return the number of bytes. Raises click.BadParameter for what is no size."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter(f"{text!r} is no size: write bytes, or 512M, or 2G.")
    return int(float(found[1]) * 1024 ** UNITS[found[2].upper()])


memory_option = click.option(
    "--memory-limit",
    default="0",
    callback=lambda ctx, param, text: parse_size(text),
    metavar="SIZE",
    help="What one task may take of memory (512M, 2G); more fails it. Else no limit.",
)
