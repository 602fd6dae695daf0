"""The root of every error that Penstock raises for people: what happened, where, what to do."""

from __future__ import annotations


class PenstockError(Exception):
    """Something went wrong that a sentence can tell. `str(error)` is that sentence."""


class UsageError(PenstockError):
    """The command or call was wrong in itself; exit code 2."""
