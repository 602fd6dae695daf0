"""XComs: how a value becomes bytes that another process, much later, makes the same value of.

| codec | for | reads back |
| --- | --- | --- |
| json | None, bool, int, finite float, str, list, dict with str keys, no subclasses | the same |
| arrow | pandas DataFrame (as Arrow IPC) | the same frame |
| table | pyarrow Table (as Arrow IPC) | memory-mapped |
| numpy | numpy array without Python objects (as .npy) | memory-mapped, copy on write |
| pickle | everything else that pickles, protocol 5 | the same |

Up to INLINE bytes ride in the message, larger ones are files named by their SHA-256. Each but the
small JSON ones comes with a preview for people. The coordinator sees previews and lengths only.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import importlib
import io
import os
import pickle
import tempfile
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from penstock.errors import PenstockError
from penstock.events.types import ABSENT, Xcom
from penstock.worker import exact, preview

INLINE = 64 * 1024

BLOB_RESERVE = 32 * 1024 * 1024
"""Bytes of the disk that a large value must leave free: the log needs them for outcomes."""

FULL = frozenset((errno.ENOSPC, errno.EDQUOT))


class XcomError(PenstockError):
    """A stored XCom cannot be read here."""


class NoRoomForXcomError(PenstockError):
    """The disk has no room for a large value; none of it is kept."""

    def __init__(self, folder: str, size: int | None = None) -> None:
        many = "an XCom" if size is None else f"an XCom of {size:,} bytes"
        super().__init__(
            f"{folder}: the disk has no room for {many} ({BLOB_RESERVE >> 20} MiB of it are kept "
            "for the runs under way). Make room, or save the value elsewhere and return its place."
        )


class UnstorableError(PenstockError, TypeError):
    """A value can be stored by no codec."""

    def __init__(self, key: str, value: Any, why: BaseException) -> None:
        kind = type(value)
        super().__init__(
            f"the XCom {key!r} cannot be stored: a {kind.__module__}.{kind.__qualname__} is "
            f"neither JSON nor can it be pickled ({type(why).__name__}: {why}). Return plain data, "
            "or save the thing to a file and return its path."
        )


def digest_of(file: str) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def sync_folder(folder: str) -> None:
    """Make the names in a folder survive a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class BlobFolder:
    """Files by the SHA-256 of their bytes, as `penstock.events.blobs.FileBlobs` lays them out.

    Without its event loop and its NATS: children have neither.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def place(self, digest: str) -> str:
        return os.path.join(self.folder, digest[:2], digest)

    def scratch(self) -> str:
        """Return a new file's name on the same file system as the blobs."""
        os.makedirs(self.folder, exist_ok=True)
        fd, name = tempfile.mkstemp(prefix=".draft-", dir=self.folder)
        os.close(fd)
        return name

    def keep(self, file: str) -> str:
        """Move a scratch file to its digest's name, synced, and return the digest (law 7).

        Raises NoRoomForXcomError if hardly anything of the disk would be left.
        """
        there = os.statvfs(self.folder)
        if there.f_bavail * there.f_frsize < BLOB_RESERVE:
            raise NoRoomForXcomError(self.folder, os.path.getsize(file))
        digest = digest_of(file)
        place = self.place(digest)
        if os.path.exists(place) and os.path.getsize(place) == os.path.getsize(file):
            os.utime(place)  # a collection under way spares what was just touched
            os.unlink(file)
            return digest
        with open(file, "rb") as opened:
            os.fsync(opened.fileno())
        folder = os.path.dirname(place)
        if not os.path.isdir(folder):
            os.makedirs(folder, exist_ok=True)
            sync_folder(self.folder)
        os.chmod(file, 0o444)
        os.rename(file, place)
        sync_folder(folder)
        return digest

    def find(self, digest: str) -> str | None:
        """Return the file of a digest, None if it is not here."""
        place = self.place(digest)
        return place if os.path.exists(place) else None


class Codec(NamedTuple):
    """write(value, file): may raise anything, then the next codec is tried. read(source).

    size: bytes that the value will take, about; None: unknown until written.
    """

    name: str
    fits: Callable[[Any], bool]
    size: Callable[[Any], int]
    write: Callable[[Any, Any], None]
    read: Callable[[Any], Any]


def _is_frame(value: Any) -> bool:
    kind = type(value)
    return kind.__name__ == "DataFrame" and kind.__module__.split(".")[0] == "pandas"


def _frame_size(value: Any) -> int:
    return int(value.memory_usage(index=True, deep=False).sum())


def _write_frame(value: Any, file: Any) -> None:
    arrow = importlib.import_module("pyarrow")
    exact.check_frame(value)
    _write_table(arrow.Table.from_pandas(value, nthreads=1), file)


def _read_frame(source: Any) -> Any:
    return _read_table(source).to_pandas(use_threads=False)


def _is_table(value: Any) -> bool:
    kind = type(value)
    return kind.__name__ == "Table" and kind.__module__.startswith("pyarrow")


def _write_table(value: Any, file: Any) -> None:
    ipc = importlib.import_module("pyarrow.ipc")
    with ipc.new_file(file, value.schema) as writer:
        writer.write_table(value)


def _read_table(source: Any) -> Any:
    arrow = importlib.import_module("pyarrow")
    ipc = importlib.import_module("pyarrow.ipc")
    opened = arrow.memory_map(source) if isinstance(source, str) else arrow.BufferReader(source)
    return ipc.open_file(opened).read_all()


def _is_array(value: Any) -> bool:
    kind = type(value)
    return kind.__name__ == "ndarray" and kind.__module__ == "numpy" and not value.dtype.hasobject


def _write_array(value: Any, file: Any) -> None:
    numpy = importlib.import_module("numpy")
    if isinstance(file, str):
        with open(file, "wb") as opened:
            numpy.save(opened, value, allow_pickle=False)
    else:
        numpy.save(file, value, allow_pickle=False)


def _read_array(source: Any) -> Any:
    numpy = importlib.import_module("numpy")
    if isinstance(source, str):
        return numpy.asarray(numpy.load(source, mmap_mode="c", allow_pickle=False))
    return numpy.load(io.BytesIO(source), allow_pickle=False)


def _write_pickle(value: Any, file: Any) -> None:
    if isinstance(file, str):
        with open(file, "wb") as opened:
            pickle.dump(value, opened, protocol=5)
    else:
        pickle.dump(value, file, protocol=5)


def _read_pickle(source: Any) -> Any:
    if isinstance(source, str):
        with open(source, "rb") as opened:
            return pickle.load(opened)
    return pickle.loads(source)


def _read_json(source: Any) -> Any:
    if isinstance(source, str):
        with open(source, "rb") as opened:
            source = opened.read()
    return msgspec.json.decode(source)


CODECS = (
    Codec("arrow", _is_frame, _frame_size, _write_frame, _read_frame),
    Codec("table", _is_table, lambda value: int(value.nbytes), _write_table, _read_table),
    Codec("numpy", _is_array, lambda value: int(value.nbytes), _write_array, _read_array),
    Codec("pickle", lambda _: True, exact.weight, _write_pickle, _read_pickle),
)
READERS = {codec.name: codec.read for codec in CODECS} | {"json": _read_json}


def encode(
    key: str, value: Any, blobs: BlobFolder, *, inline: int = INLINE, sketch: bool = True
) -> Xcom:
    """Return an XCom's description; large bytes are a blob by then. May raise UnstorableError.

    inline: bytes that may ride in the description. sketch: make a preview.
    """
    length = exact.length(value)
    text = exact.as_json(value)
    if text is not None and len(text) <= inline:
        return Xcom(
            key=key, value=msgspec.Raw(text), size=len(text), is_none=value is None, length=length
        )
    shown = msgspec.Raw(preview.of(value)) if sketch else ABSENT
    if text is not None:
        kept = _keep_bytes(text, blobs)
        return Xcom(key=key, blob=kept, size=len(text), preview=shown, length=length)
    for codec in CODECS:
        if codec.fits(value):
            try:
                text64, blob, size = _written(codec, value, blobs, inline)
            except NoRoomForXcomError:
                raise
            except Exception as error:
                if isinstance(error, OSError) and error.errno in FULL:
                    raise NoRoomForXcomError(blobs.folder) from error
                if codec.name == "pickle":
                    raise UnstorableError(key, value, error) from error
                continue  # a frame that Arrow cannot hold exactly: pickle can
            return Xcom(
                key=key,
                codec=codec.name,
                inline=text64,
                blob=blob,
                size=size,
                preview=shown,
                length=length,
            )
    raise AssertionError("pickle fits everything")


def _keep_bytes(text: bytes, blobs: BlobFolder) -> str:
    file = blobs.scratch()
    try:
        with open(file, "wb") as opened:
            opened.write(text)
        return blobs.keep(file)
    except OSError as error:
        raise _full(error, blobs) from error
    finally:
        if os.path.exists(file):
            os.unlink(file)


def _full(error: OSError, blobs: BlobFolder) -> Exception:
    """Return what to raise for an error of writing a blob."""
    return NoRoomForXcomError(blobs.folder) if error.errno in FULL else error


def _written(
    codec: Codec, value: Any, blobs: BlobFolder, inline: int
) -> tuple[str | None, str | None, int]:
    """Return (base64 of it, its blob, its size); one of the first two is None."""
    if codec.size(value) <= inline:
        buffer = io.BytesIO()
        codec.write(value, buffer)
        data = buffer.getvalue()
        if len(data) <= inline:
            return base64.b64encode(data).decode(), None, len(data)
        return None, _keep_bytes(data, blobs), len(data)
    file = blobs.scratch()
    try:
        codec.write(value, file)
        size = os.path.getsize(file)
        if size <= inline:
            with open(file, "rb") as opened:
                return base64.b64encode(opened.read()).decode(), None, size
        return None, blobs.keep(file), size
    finally:
        if os.path.exists(file):
            os.unlink(file)


def json_text(found: Xcom, path: Callable[[str], str]) -> bytes | None:
    """Return a value as the JSON that it was stored as; None if that was another codec."""
    if found.has_value:
        return bytes(memoryview(found.value))
    if found.codec != "json" or found.blob is None:
        return None
    with open(_verified(found, path), "rb") as opened:
        return opened.read()


def _verified(found: Xcom, path: Callable[[str], str]) -> str:
    """Return the file of a large value. Raises XcomError if it is not what was stored."""
    assert found.blob is not None
    source = path(found.blob)
    if digest_of(source) != found.blob:
        raise XcomError(
            f"the XCom {found.key!r} is damaged: {source} does not have the bytes that were "
            "stored. Restore the file, or clear the task that pushed it."
        )
    return source


def decode(found: Xcom, path: Callable[[str], str]) -> Any:
    """Return the value. path: the local file of a digest. XcomError says what is wrong.

    Raised when the bytes are not those that were stored, or when a module that the value is made
    of is not installed here.
    """
    source: Any
    if found.has_value:
        return msgspec.json.decode(found.value)
    if found.codec not in READERS:
        raise XcomError(
            f"the XCom {found.key!r} was written by codec {found.codec!r}, which this version of "
            "Penstock does not know. Update Penstock on this worker."
        )
    if found.blob is not None:
        source = _verified(found, path)
    else:
        source = base64.b64decode(found.inline or "")
    try:
        return READERS[found.codec](source)
    except ModuleNotFoundError as error:
        module = (error.name or str(error)).split(".")[0]
        raise XcomError(
            f"the XCom {found.key!r} needs the module {module!r}, which is not installed where "
            f"this task runs. Install it there (pip install {module}), or return plain data."
        ) from error
