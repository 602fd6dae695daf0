"""What a worker and its children say to each other: frames over one socketpair a child.

A frame is a length (4 bytes, big endian) and JSON. The worker sends batches and answers, the child
says what became of each item and asks. Items are numbered per child, so that the marks on its
output pipes, the permits and the results all name the same thing in two bytes.

Permits: before it begins an item, a child takes the item's byte from a pipe that the worker fills.
The worker can empty the same pipe: whoever reads the byte has the item, so a batch can be taken
back behind a long member with no round trip and no doubt.
"""

from __future__ import annotations

import socket
import threading
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from penstock.events import questions as q
from penstock.events import types as t
from penstock.events import words as w

READ = 64 * 1024
"""Bytes read at a time: larger buffers the C library maps and unmaps, each time."""

MAX_FRAME = 256 * 1024 * 1024


class Item(Struct, frozen=True, array_like=True):
    """One attempt for this child. number: rising per child, its permit is `number % 256`."""

    number: int
    work: w.Work


class Batch(Struct, frozen=True, kw_only=True, tag="batch"):
    """Run these in order. runs: by run key."""

    items: tuple[Item, ...]
    runs: dict[str, w.RunInfo]


class Cancel(Struct, frozen=True, kw_only=True, tag="cancel"):
    """To the child of the `async def` tasks: cancel this one."""

    number: int


class WhereIsBlob(q.Ask, frozen=True, kw_only=True, tag="blob"):
    """Which local file has these bytes? Answered by the worker itself."""

    digest: str


class BlobFound(Struct, frozen=True, kw_only=True, tag="blob"):
    path: str


class Mask(q.Ask, frozen=True, kw_only=True, tag="mask"):
    """Nothing that holds one of these texts may go on from what that item prints.

    Answered by `Changed`, by the worker itself: only then the task has what is secret.
    """

    item: int
    texts: tuple[str, ...]


class Answered(Struct, frozen=True, kw_only=True, tag="answer"):
    """The answer to the question of that number."""

    number: int
    answer: q.Answer | BlobFound


ToChild = Batch | Cancel | Answered


class Ready(Struct, frozen=True, kw_only=True, tag="ready"):
    """The child is there. pid: its own, which is its process group too."""

    pid: int


class Done(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="done"):
    """An item ended. how: `returned`, `raised`, `skipped`, `paused`, or `stopped` (by a signal).

    skip: tasks that it leaves out. pause: what it waits for, if `how` is `paused`. soiled: it left
    threads or processes behind, so this child takes nothing more. rss: bytes that are resident
    afterwards, 0 if not looked at.
    """

    number: int
    how: str
    started_at: int
    ended_at: int
    took: float
    xcoms: tuple[t.Xcom, ...] = ()
    skip: tuple[str, ...] = ()
    pause: t.Pause | None = None
    reason: str = ""
    final: bool = False
    soiled: bool = False
    rss: int = 0


class Asked(Struct, frozen=True, kw_only=True, tag="asked"):
    """A question of the task that runs."""

    number: int
    question: q.Question | WhereIsBlob | Mask


class Imported(Struct, frozen=True, kw_only=True, tag="imported"):
    """Loading a DAG file took `seconds` and brought these installed modules in, in order."""

    modules: tuple[str, ...]
    seconds: float


FromChild = Ready | Done | Asked | Imported

_encode = msgspec.json.Encoder().encode
_decode_to_child = msgspec.json.Decoder(ToChild).decode
decode_from_child = msgspec.json.Decoder(FromChild).decode

T = TypeVar("T")


def frame(message: ToChild | FromChild) -> bytes:
    """Return the message as bytes for the socket."""
    text = _encode(message)
    return len(text).to_bytes(4, "big") + text


class FrameError(ValueError):
    """What came over the socket is no frame: somebody else wrote to it, or was cut off."""


class Frames:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the frames that are whole now."""
        buffer = self._buffer
        buffer += data
        found, start, end = [], 0, len(buffer)
        while end - start >= 4:
            length = int.from_bytes(buffer[start : start + 4], "big")
            if length > MAX_FRAME:
                raise FrameError(f"a frame of {length} bytes")
            stop = start + 4 + length
            if stop > end:
                break
            found.append(bytes(buffer[start + 4 : stop]))
            start = stop
        del buffer[:start]
        return found


class Line:
    """A child's end of the socket, blocking."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._frames = Frames()
        self._ready: list[bytes] = []
        self._sending = threading.Lock()  # threads of a task ask while others end

    def send(self, message: FromChild) -> None:
        with self._sending:
            self.sock.sendall(frame(message))

    def receive(self) -> Any:
        """Return the next message of the worker; EOFError once the worker is gone."""
        while not self._ready:
            data = self.sock.recv(READ)
            if not data:
                raise EOFError
            self._ready = self._frames.feed(data)
        return _decode_to_child(self._ready.pop(0))

    def arrived(self) -> list[Any]:
        """Return what can be read now (for a socket that a loop says is readable)."""
        data = self.sock.recv(READ)
        if not data:
            raise EOFError
        self._ready += self._frames.feed(data)
        return self.left()

    def left(self) -> list[Any]:
        """Return what came along with the last message that was received."""
        ready, self._ready = self._ready, []
        return [_decode_to_child(one) for one in ready]
