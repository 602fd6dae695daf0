"""The contract of `Blobs`, held to by files and by the stream."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import pytest

from penstock.events.blobs import CHUNK, FileBlobs, NatsBlobs
from penstock.events.bus import BlobDamagedError, BlobMissingError, Blobs
from penstock.events.nats_bus import NatsBus
from penstock.events.nats_connection import NatsConnection
from penstock.events.server import Server


class Place(Protocol):
    """Where blobs are kept. here: who put them; elsewhere: another process, or another machine."""

    here: Blobs
    elsewhere: Blobs

    async def damage(self, digest: str) -> None: ...
    async def touched(self, digest: str) -> float: ...


class Folder:
    def __init__(self, folder: Path) -> None:
        self.here, self.elsewhere = FileBlobs(folder), FileBlobs(folder)

    async def damage(self, digest: str) -> None:
        path = self.here.place(digest)
        os.chmod(path, 0o600)
        path.write_bytes(b"damaged")

    async def touched(self, digest: str) -> float:
        return os.stat(self.here.place(digest)).st_mtime_ns


class Stream:
    """The worker's account puts and gets: it may do no more than that."""

    def __init__(self, folder: Path, worker: NatsConnection, leader: NatsConnection) -> None:
        self.leader = leader
        self.here = NatsBlobs(worker, FileBlobs(folder / "here"))
        self.elsewhere = NatsBlobs(worker, FileBlobs(folder / "elsewhere"))

    async def damage(self, digest: str) -> None:
        await self.leader.call(self.here.subjects.blob(digest, 0), b"damaged")

    async def touched(self, digest: str) -> float:
        subject = self.here.subjects.blob(digest, "all")
        found = await self.leader.api("STREAM.MSG.GET.BLOBS", {"last_by_subj": subject})
        return float(found["message"]["seq"])


@contextlib.asynccontextmanager
async def stream(folder: Path) -> AsyncIterator[Stream]:
    async with Server(folder) as server:
        seeds = server.credentials
        async with await NatsBus.connect(server.url, seed=seeds.coordinator) as leader:
            await leader.ensure_streams()
            async with await NatsBus.connect(server.url, seed=seeds.worker) as worker:
                yield Stream(folder, worker.connection, leader.connection)


@pytest.fixture(params=["files", "stream"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    if request.param == "files":
        yield Folder(tmp_path / "blobs")
    else:
        async with stream(tmp_path) as made:
            yield made


def file_of(folder: Path, data: bytes) -> str:
    path = folder / f"value{len(data)}"
    path.write_bytes(data)
    return str(path)


def content(path: str) -> bytes:
    return Path(path).read_bytes()


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, 9 * CHUNK + 17])
async def test_what_was_put_is_there_elsewhere_under_its_digest(
    place: Place, tmp_path: Path, size: int
) -> None:
    data = os.urandom(size)
    digest = await place.here.put(file_of(tmp_path, data))
    assert digest == hashlib.sha256(data).hexdigest()
    assert content(await place.elsewhere.path(digest)) == data
    assert content(await place.here.path(digest)) == data


async def test_what_was_put_is_no_longer_the_authors_file(place: Place, tmp_path: Path) -> None:
    file = file_of(tmp_path, b"as it was")
    digest = await place.here.put(file)
    file_of(tmp_path, b"as it is!")
    assert content(await place.elsewhere.path(digest)) == b"as it was"


async def test_a_file_that_is_given_away_is_gone(place: Place, tmp_path: Path) -> None:
    for _ in range(2):
        file = file_of(tmp_path, b"given")
        digest = await place.here.put(file, give=True)
        assert [name for name in os.listdir(tmp_path) if "value" in name] == []
    assert content(await place.elsewhere.path(digest)) == b"given"


async def test_putting_what_is_there_touches_it(place: Place, tmp_path: Path) -> None:
    file = file_of(tmp_path, b"again")
    digest = await place.here.put(file)
    before = await place.touched(digest)
    await asyncio.sleep(0.01)  # a file's time has its grain
    assert await place.elsewhere.put(file) == digest
    assert await place.touched(digest) > before


@pytest.mark.parametrize("digest", ["0" * 64, "../../etc/passwd", "", "A" * 64])
async def test_what_nobody_has_is_missing(place: Place, digest: str) -> None:
    with pytest.raises(BlobMissingError):
        await place.here.path(digest)


async def test_damaged_bytes_are_never_handed_out(place: Place, tmp_path: Path) -> None:
    digest = await place.here.put(file_of(tmp_path, b"whole"))
    await place.damage(digest)
    with pytest.raises(BlobDamagedError):
        await place.elsewhere.path(digest)


async def test_putting_it_again_mends_a_damaged_file(tmp_path: Path) -> None:
    place = Folder(tmp_path / "blobs")
    file = file_of(tmp_path, b"whole")
    digest = await place.here.put(file)
    await place.damage(digest)
    await place.here.put(file)
    assert content(await place.elsewhere.path(digest)) == b"whole"


async def test_many_put_the_same_at_once(place: Place, tmp_path: Path) -> None:
    data = os.urandom(3 * CHUNK)
    file = file_of(tmp_path, data)
    digests = await asyncio.gather(*(place.here.put(file) for _ in range(5)))
    assert set(digests) == {hashlib.sha256(data).hexdigest()}
    assert content(await place.elsewhere.path(digests[0])) == data
