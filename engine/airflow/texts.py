"""Texts: `airflow.utils.strings`, `hashlib_wrapper`, and what `helpers` has of names and keys."""

from __future__ import annotations

import hashlib
import random
import re
import string
from typing import Any

from penstock.authoring.exceptions import AirflowException

TRUE_LIKE_VALUES = frozenset({"on", "t", "true", "y", "yes", "1"})

KEY_REGEX = re.compile(r"^[\w.-]+$")
CAMELCASE_TO_SNAKE_CASE_REGEX = re.compile(r"(?<!^)(?=[A-Z])")


def to_boolean(astring: str | None) -> bool:
    """Whether a text says yes: on, t, true, y, yes or 1, in any case."""
    return astring is not None and astring.lower() in TRUE_LIKE_VALUES


def get_random_string(length: int = 8, choices: str = string.ascii_letters + string.digits) -> str:
    """Return a text of random characters; not for secrets."""
    return "".join(random.choices(choices, k=length))


def md5(string: Any = b"", /) -> Any:
    """Return an MD5 hash, for keys of caches and the like: never for security."""
    return hashlib.md5(string, usedforsecurity=False)


def convert_camel_to_snake(camel_str: str) -> str:
    """Return `TaskGroup` as `task_group`."""
    return CAMELCASE_TO_SNAKE_CASE_REGEX.sub("_", camel_str).lower()


def validate_key(k: str, max_length: int = 250) -> None:
    """Raise if a text can be no id: TypeError, or AirflowException for its length or characters."""
    if not isinstance(k, str):
        raise TypeError(f"a key is a text, this is {type(k).__name__}: {k!r}")
    if len(k) > max_length:
        raise AirflowException(f"the key {k!r} has {len(k)} characters; {max_length} are allowed")
    if not KEY_REGEX.match(k):
        raise AirflowException(
            f"the key {k!r} may only have letters, digits, dashes, dots and underscores"
        )
