"""What is secret, and how it is kept out of sight: three stars in its place.

Secret is what is named so (a variable `db_password`, the `token` in a connection's extra), and what
`mask_secret` was told. A process has one `Masker`. What a task learns of secrets is masked from
then on in what it prints, and forgotten after it; what a DAG file masks while it is loaded stays,
as the file stays loaded. The worker is told of each secret before the task has it, and masks every
line again: what native code writes, and what is printed in pieces, passes here unseen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any
from urllib.parse import quote

MASK = "***"

SENSITIVE = frozenset(
    {
        "access_key",
        "access_token",
        "api_key",
        "apikey",
        "auth_header",
        "authorization",
        "bearer",
        "connection_string",
        "dsn",
        "keyfile_dict",
        "passphrase",
        "passwd",
        "password",
        "private_key",
        "proxies",
        "proxy",
        "proxy_password",
        "secret",
        "service_account",
        "service_key",
        "token",
        "webhook_url",
    }
)
"""A name that has one of these in it, in any case, is that of a secret. Airflow's list."""

SHORTEST = 5
"""Characters of the shortest text that is masked: less would hide ordinary words."""

SHORTEST_LINE = 8
"""Characters of the shortest line of a longer secret that is masked on its own."""

TOO_COMMON = frozenset({"airflow", "penstock"})


def is_sensitive(name: Any) -> bool:
    """Whether a value of this name is to be hidden."""
    if not isinstance(name, str):
        return False
    plain = re.sub(r"\W+", "_", name.strip().lower())
    return any(word in plain for word in SENSITIVE)


def texts_in(secret: Any, name: str | None = None) -> Iterator[str]:
    """Yield the texts to mask: of a dict those under secret names, else all there are.

    name: what the secret is called; if that is given and is no secret's, nothing is.
    """
    if isinstance(secret, str):
        is_wanted = not name or is_sensitive(name)
        if is_wanted and len(secret) >= SHORTEST and secret.lower() not in TOO_COMMON:
            yield secret
    elif isinstance(secret, Mapping):
        for key, value in secret.items():
            # Under a secret's name all is secret, whatever the names below it are.
            yield from texts_in(value, name if is_sensitive(name) else str(key) or "?")
    elif isinstance(secret, Iterable) and not isinstance(secret, bytes):
        for value in secret:
            yield from texts_in(value, name)


def looks_of(text: str) -> Iterator[str]:
    """Yield how a secret may look where it is printed: as it is, in a URI, in JSON, by lines."""
    yield text
    yield quote(text, safe="")
    yield quote(text)
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    if "\n" in text:
        yield from (line for line in text.splitlines() if len(line) >= SHORTEST_LINE)


class Masker:
    """Texts, and what replaces each of them by three stars. longest: bytes of the longest one."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.texts: set[str] = set()
        self.longest = 0
        self._looks: set[str] = set()
        # Made when they are needed: to make one takes longer than to add a text.
        self._pattern: re.Pattern[str] | None = None
        self._in_bytes: re.Pattern[bytes] | None = None
        self.add(texts)

    def add(self, texts: Iterable[str]) -> None:
        """Mask these as well."""
        new = [text for text in dict.fromkeys(texts) if text not in self.texts]
        if new:
            self.texts.update(new)
            looks = {look for text in new for look in looks_of(text)}
            self._looks |= looks
            self.longest = max(self.longest, *map(len, map(_encoded, looks)))
            self._pattern = self._in_bytes = None

    def text(self, text: str, mask: str = MASK) -> str:
        if not self._looks:
            return text
        if self._pattern is None:
            self._pattern = re.compile("|".join(map(re.escape, self._ordered())))
        return self._pattern.sub(lambda _: mask, text)

    def bytes(self, data: bytes) -> bytes:
        if not self._looks:
            return data
        if self._in_bytes is None:
            looks = map(re.escape, map(_encoded, self._ordered()))
            self._in_bytes = re.compile(b"|".join(looks))
        return self._in_bytes.sub(MASK.encode(), data)

    def _ordered(self) -> list[str]:
        return sorted(self._looks, key=lambda look: (-len(look), look))  # the longer one wins


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


# ---------------------------------------------------------------- this process

_masker = Masker()
_lasting: dict[str, None] = {}
"""What DAG files masked while they were loaded, or others outside of tasks."""


def mask_secret(secret: Any, name: str | None = None) -> None:
    """Mask a secret from now on in what this task prints, in its errors and its log.

    secret: a text; a list of them; a dict, of which the values under names like `password` are
    meant. name: what a text is called: if it is no secret's name, nothing is masked. Texts of less
    than five characters are not masked.
    """
    from penstock.authoring.context import asked_here, is_in_task

    texts = list(texts_in(secret, name))
    if not is_in_task():
        _lasting.update(dict.fromkeys(texts))
    _masker.add(texts)
    if (attempt := asked_here()) is not None:
        attempt.mask(texts)


async def amask_secret(secret: Any, name: str | None = None) -> None:
    """As `mask_secret`, for code that awaits."""
    mask_secret(secret, name)


def begin(tell: Callable[[list[str]], None], *, alone: bool) -> None:
    """A task begins.

    alone: no other runs in this process, so what the last one masked is forgotten. tell: takes what
    is masked all the same, for the worker.
    """
    global _masker
    if alone and _masker.texts != _lasting.keys():
        _masker = Masker(_lasting)
    if _lasting:
        tell(list(_lasting))


def masked(text: str) -> str:
    """Return a text with what is masked in this process replaced."""
    return _masker.text(text)


def redact(
    value: Any, name: str | None = None, max_depth: int | None = None, replacement: str = MASK
) -> Any:
    """Return a value with the secrets in it replaced: by their names, and by what was masked.

    Dicts, lists, tuples and sets are gone through (a set becomes a tuple); others are left as they
    are. max_depth: how deep texts are searched for what was masked, 5 if not said; names count at
    any depth. A value that cannot be gone through becomes `<redaction-failed>`.
    """
    depth = 5 if max_depth is None else max_depth
    try:
        return _redacted(value, name, depth, replacement)
    except Exception:
        return "<redaction-failed>"


def _redacted(value: Any, name: Any, depth: int, mask: str, *, hidden: bool = False) -> Any:
    hidden = hidden or bool(name and is_sensitive(name))
    if isinstance(value, Mapping):
        return {
            key: _redacted(one, key, depth - 1, mask, hidden=hidden) for key, one in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        ones = [_redacted(one, None, depth - 1, mask, hidden=hidden) for one in value]
        return ones if isinstance(value, list) else tuple(ones)
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        if hidden:
            return mask
        return _masker.text(value, mask) if depth >= 0 else value
    return value


def redacted_json(text: str, otherwise: str | None = None) -> str:
    """Return JSON with what stands under secret names replaced; what has none, as it is.

    otherwise: returned for what is no JSON object or list; None: the text itself.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict | list):
        return text if otherwise is None else otherwise
    shown = redact(found)
    return text if shown == found else json.dumps(shown, ensure_ascii=False)
