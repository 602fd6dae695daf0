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
    "ds_format_locale",
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


def ds_format_locale(ds: str, input_format: str, output_format: str, locale: Any = None) -> str:
    """Return the date text `ds` written in a language's way; output_format is Babel's.

    locale: `de_DE`; None: the machine's. Needs the package `babel`.
    """
    from babel import Locale, default_locale  # type: ignore[import-not-found]
    from babel.dates import format_datetime  # type: ignore[import-not-found]

    chosen = locale or default_locale("LC_TIME") or "en_US"
    language = chosen if isinstance(chosen, Locale) else Locale.parse(chosen)
    found = datetime.strptime(str(ds), input_format)
    return str(format_datetime(found, format=output_format, locale=language))


def __getattr__(name: str) -> Any:
    if name == "yaml":  # late: it need not be installed
        import yaml

        return yaml
    raise AttributeError(f"there is no macro {name!r}; there are {', '.join(__all__)}")


def datetime_diff_for_humans(dt: Any, since: Any = None) -> str:
    """Return how long before `since` (or now) a moment was, in words."""
    import pendulum

    return str(pendulum.instance(dt).diff_for_humans(since))
