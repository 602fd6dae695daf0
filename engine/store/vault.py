"""Variables and connections at rest: sealed, with a key that lies beside the log and not in it.

The leader seals a value before it becomes a fact, so the log, SQLite, its raw tail and every backup
of them hold sealed texts only. A sealed text is `sealed:1:` and base64 of libsodium's secret box
(XSalsa20-Poly1305, by way of PyNaCl): it cannot be read or changed without the key. What does not
begin so was kept before there were keys; it is read as it is.

Keys are 32 bytes in URL-safe base64. The first one seals, all of them open, so a key is changed by
putting a new one first and sealing everything anew (`penstock secrets rotate`). They come from
PENSTOCK_SECRET_KEY (several: with commas), then from the file `secret.key` of the state folder,
which is made, readable by its owner alone, when the first value is sealed and nobody named a key.
"""

from __future__ import annotations

import binascii
import contextlib
import os
import tempfile
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from nacl.utils import random

from penstock.errors import PenstockError
from penstock.home import SECRET_KEY, Home

PREFIX = "sealed:1:"


class SecretKeyError(PenstockError):
    """A key cannot be read, or is not here: values that it sealed cannot be opened."""


def new_key() -> str:
    """Return a key, as PENSTOCK_SECRET_KEY and the file have them."""
    return urlsafe_b64encode(random(SecretBox.KEY_SIZE)).decode()


def is_sealed(text: str) -> bool:
    return text.startswith(PREFIX)


class Vault:
    """file: the state folder's `secret.key`. named: what PENSTOCK_SECRET_KEY says.

    Nothing is read or made before it is needed.
    """

    def __init__(self, file: Path, named: str | None = None) -> None:
        self.file = file
        self._named = [key.strip() for key in (named or "").split(",") if key.strip()]
        self._boxes: list[SecretBox] = []

    @classmethod
    def of(cls, folder: Path) -> Vault:
        """Return the vault of a state folder, with the keys of this process's environment."""
        return cls(Home(folder).secret_key, os.environ.get(SECRET_KEY))

    @property
    def is_named(self) -> bool:
        """Whether the environment names the key that seals."""
        return bool(self._named)

    def seal(self, text: str) -> str:
        """Return the text sealed. Raises SecretKeyError."""
        if not self._boxes:
            self._boxes = self._read()
        if not self._boxes:
            self.add_key()
        return PREFIX + b64encode(bytes(self._boxes[0].encrypt(text.encode()))).decode()

    def open(self, sealed: str, what: str) -> str:
        """Return what was sealed. what: whose value it is, for the error: SecretKeyError."""
        if not is_sealed(sealed):
            return sealed
        try:
            box = b64decode(sealed[len(PREFIX) :], validate=True)
        except binascii.Error:
            raise SecretKeyError(f"The {what} is damaged where it is kept. Set it anew.") from None
        opened = self._open(box)
        if opened is None:
            self._boxes = self._read()  # another process may have added a key
            opened = self._open(box)
        if opened is None:
            raise SecretKeyError(
                f"The {what} was sealed with a key that is not here. Put that key back into "
                f"{self.file}, or name it in {SECRET_KEY}; or set the value anew."
            )
        return opened.decode()

    def add_key(self) -> None:
        """Make a new key, which seals from now on. Raises SecretKeyError."""
        there = self.file.read_text().splitlines() if self.file.exists() else []
        write_privately(self.file, "".join(f"{line}\n" for line in [new_key(), *there]))
        self._boxes = self._read()

    def _open(self, box: bytes) -> bytes | None:
        for one in self._boxes:
            with contextlib.suppress(CryptoError, ValueError):
                return bytes(one.decrypt(box))
        return None

    def _read(self) -> list[SecretBox]:
        boxes = list(boxes_of(self._named, SECRET_KEY))
        try:
            lines = self.file.read_text("utf-8").splitlines()
        except FileNotFoundError:
            lines = []
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise SecretKeyError(f"{self.file}: the key cannot be read: {why}") from None
        return boxes + list(boxes_of(filter(None, map(str.strip, lines)), str(self.file)))


def boxes_of(keys: Iterable[str], where: str) -> Iterable[SecretBox]:
    for number, key in enumerate(keys, 1):
        try:
            yield SecretBox(urlsafe_b64decode(key))
        except (ValueError, TypeError):
            # The key itself is not shown: most of it may be right.
            raise SecretKeyError(
                f"{where}: key {number} is no key: it has to be 32 bytes in URL-safe base64, as "
                "`penstock secrets new-key` prints one."
            ) from None


def write_privately(file: Path, text: str) -> None:
    """Put a file in its place, whole, on disk, and readable by its owner alone."""
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")  # made 0600
        with os.fdopen(handle, "w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.replace(name, file)
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise SecretKeyError(f"{file}: the key cannot be written: {error.strerror}") from error
