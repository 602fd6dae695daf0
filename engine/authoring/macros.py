"""What templates know as `macros`: dates in and out of text, and a few standard modules."""

from __future__ import annotations

import json
import random as _random
import time
import uuid
from datetime import datetime, timedelta
from typing import Any

import dateutil  # type: ignore[import-untyped]

__all__ = [
    "datetime",
    "datetime_diff_for_humans",
    "dateutil",
    "ds_add",
    "ds_format",
    "json",
    "random",
    "time",
    "timedelta",
    "uuid",
]

random = _random.random


def ds_add(ds: str, days: int) -> str:
    """Return the date (YYYY-MM-DD) that lies `days` after `ds`; before it, if negative."""
    return (datetime.strptime(str(ds), "%Y-%m-%d") + timedelta(days=days)).strftime("%Y-%m-%d")


def ds_format(ds: str, input_format: str, output_format: str) -> str:
    """Return the date text `ds`, read in one strftime format, written in another."""
    return datetime.strptime(str(ds), input_format).strftime(output_format)


def datetime_diff_for_humans(dt: Any, since: Any = None) -> str:
    """Return how long before `since` (or now) a moment was, in words."""
    import pendulum

    return str(pendulum.instance(dt).diff_for_humans(since))
