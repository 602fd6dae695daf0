"""Large values, kept by the SHA-256 of their bytes: as files, or as chunks in a stream.

`FileBlobs` is a folder: on one machine nothing beats handing on a path. `NatsBlobs` brings blobs to
machines that share no disk: a chunk is a message of the stream BLOBS, and a manifest, stored last,
says how many there are; what was fetched lies in a local `FileBlobs` from then on.

Digests are worked out in threads: a hundred megabytes take a tenth of a second, and no event loop
has that.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from penstock.events.bus import BlobDamagedError, BlobMissingError, BusError
from penstock.events.nats_connection import NatsConnection
from penstock.events.replacing import sync_folder
from penstock.events.subjects import Subjects

CHUNK = 512 * 1024
"""Bytes of a blob in one message."""

AT_ONCE = 8
CHUNK_TIMEOUT = 30.0
_DIGEST = re.compile(r"[0-9a-f]{64}")
_READ = 1024 * 1024


class FileBlobs:
    """Blobs in a folder, as `ab/abcdef...`. Passes `tests/contracts/test_blobs.py`."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._checked: dict[str, tuple[int, int, int]] = {}

    async def put(self, file: str, *, give: bool = False) -> str:
        return await asyncio.to_thread(self._put, Path(file), give)

    async def path(self, digest: str) -> str:
        path = self.place(digest)
        try:
            found = _look(path)
        except FileNotFoundError:
            raise BlobMissingError(f"{digest}: no such blob in {self.folder}") from None
        if self._checked.get(digest) != found:
            actual = await asyncio.to_thread(_digest_of, path)
            if actual != digest:
                raise BlobDamagedError(f"{path}: its bytes have the digest {actual}")
            self._checked[digest] = found
        return str(path)

    def place(self, digest: str) -> Path:
        """Return where a blob lies, or would. Raises BlobMissingError for what is no digest."""
        if not _DIGEST.fullmatch(digest):
            raise BlobMissingError(f"{digest!r} is no SHA-256 in hex")
        return self.folder / digest[:2] / digest

    def draft(self) -> Path:
        """Return the name of a new file on the same disk, to be filled and `keep`t."""
        self.folder.mkdir(parents=True, exist_ok=True)
        fd, name = tempfile.mkstemp(prefix=".draft-", dir=self.folder)
        os.close(fd)
        return Path(name)

    def keep(self, draft: Path, digest: str) -> Path:
        """Move a complete file, whose digest this is, to its place; synced, its folder too."""
        path = self.place(digest)
        with open(draft, "rb") as file:
            os.fsync(file.fileno())
        os.chmod(draft, 0o444)  # many will read it; who wants to write takes a copy
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(self.folder)
        os.replace(draft, path)
        sync_folder(path.parent)
        self._checked[digest] = _look(path)
        return path

    def _put(self, source: Path, give: bool) -> str:
        if give:
            digest = _digest_of(source)
            if not self._touch(digest):
                draft = self.draft()
                try:
                    os.replace(source, draft)
                except OSError:  # from another disk
                    return self._put_copy(source, draft, give=True)
                self.keep(draft, digest)
            with contextlib.suppress(FileNotFoundError):
                source.unlink()
            return digest
        return self._put_copy(source, self.draft(), give=False)

    def _put_copy(self, source: Path, draft: Path, *, give: bool) -> str:
        try:
            # The digest is that of the bytes copied: the author may be writing to his file still.
            digest = _copy(source, draft)
            if not self._touch(digest):
                self.keep(draft, digest)
        finally:
            draft.unlink(missing_ok=True)
        if give:
            source.unlink(missing_ok=True)
        return digest

    def _touch(self, digest: str) -> bool:
        """Say whether it is there, whole by its digest; then it is as good as new."""
        path = self.place(digest)
        try:
            if self._checked.get(digest) != _look(path) and _digest_of(path) != digest:
                return False  # damaged: to be replaced
            os.utime(path)
            self._checked[digest] = _look(path)
        except FileNotFoundError:
            return False
        return True


class _Manifest(Struct):
    """What is known of a blob in the stream. size, chunk: bytes."""

    size: int
    chunk: int


class NatsBlobs:
    """Blobs in the stream BLOBS, with a local folder for what was fetched or put here."""

    def __init__(
        self, connection: NatsConnection, cache: FileBlobs, subjects: Subjects | None = None
    ) -> None:
        self.connection, self.cache, self.subjects = connection, cache, subjects or Subjects()

    async def put(self, file: str, *, give: bool = False) -> str:
        digest = await self.cache.put(file, give=give)
        path = await self.cache.path(digest)
        manifest = await self._manifest(digest)
        if manifest is None:
            manifest = _Manifest(size=os.stat(path).st_size, chunk=CHUNK)
            await self._each(manifest, lambda number: self._send(digest, path, number))
        await self._store(self.subjects.blob(digest, "all"), msgspec.json.encode(manifest))
        return digest

    async def path(self, digest: str) -> str:
        with contextlib.suppress(BlobMissingError, BlobDamagedError):
            return await self.cache.path(digest)
        self.cache.place(digest)  # is it one at all?
        manifest = await self._manifest(digest)
        if manifest is None:
            raise BlobMissingError(f"{digest}: no such blob in the stream BLOBS")
        draft = self.cache.draft()
        try:
            fd = os.open(draft, os.O_WRONLY)
            try:
                await self._each(
                    manifest, lambda number: self._fetch(digest, fd, number, manifest.chunk)
                )
            finally:
                os.close(fd)
            actual = await asyncio.to_thread(_digest_of, draft)
            if actual != digest:
                raise BlobDamagedError(f"{digest}: the chunks in BLOBS have the digest {actual}")
            return str(await asyncio.to_thread(self.cache.keep, draft, digest))
        finally:
            draft.unlink(missing_ok=True)

    async def _each(self, manifest: _Manifest, act: Callable[[int], object]) -> None:
        """Do `act` for each chunk, a few at a time."""
        numbers = iter(range(-(-manifest.size // manifest.chunk)))

        async def go_on() -> None:
            for number in numbers:
                await act(number)  # type: ignore[misc]

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(go_on())
        except* BusError as failures:
            raise failures.exceptions[0] from None

    async def _send(self, digest: str, path: str, number: int) -> None:
        await self._store(
            self.subjects.blob(digest, number),
            await asyncio.to_thread(_read_at, path, number * CHUNK, CHUNK),
        )

    async def _store(self, subject: str, payload: bytes) -> None:
        answer = await self.connection.call(subject, payload, timeout=CHUNK_TIMEOUT)
        refused = msgspec.json.decode(answer.data).get("error")
        if refused:
            raise BusError(f"{subject}: the stream BLOBS refused it: {refused['description']}")

    async def _fetch(self, digest: str, fd: int, number: int, chunk: int) -> None:
        payload = await self._get(self.subjects.blob(digest, number))
        if payload is None:
            raise BlobDamagedError(f"{digest}: chunk {number} is missing in the stream BLOBS")
        await asyncio.to_thread(os.pwrite, fd, payload, number * chunk)

    async def _manifest(self, digest: str) -> _Manifest | None:
        payload = await self._get(self.subjects.blob(digest, "all"))
        return None if payload is None else msgspec.json.decode(payload, type=_Manifest)

    async def _get(self, subject: str) -> bytes | None:
        """Return the message on a subject, read without a consumer; None if there is none."""
        answer = await self.connection.call(
            f"$JS.API.DIRECT.GET.BLOBS.{subject}", b"", timeout=CHUNK_TIMEOUT
        )
        status = (answer.headers or {}).get("Status")
        if status and status != "404":
            raise BusError(f"{subject}: {status} {(answer.headers or {}).get('Description')}")
        return None if status else answer.data


def _look(path: Path) -> tuple[int, int, int]:
    """What changes when a file does."""
    found = os.stat(path)
    return found.st_ino, found.st_size, found.st_mtime_ns


def _digest_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    with open(source, "rb") as read, open(target, "wb") as write:
        while piece := read.read(_READ):
            digest.update(piece)
            write.write(piece)
    return digest.hexdigest()


def _read_at(path: str, offset: int, size: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read(size)
