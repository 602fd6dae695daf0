"""Who else does the work: a bare `ProcessPoolExecutor`, the floor that Penstock is held to.

It keeps nothing: what it has done is forgotten with it, while Penstock syncs every outcome to disk.
`benchmarks/peers.py` adds others, in the same terms.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from multiprocessing import get_context
from typing import Any, Protocol

from penstock.bench import work

SLOTS = 2
"""Children of each contender, Penstock's too."""


class Peer(Protocol):
    """Somebody who does the work. `submit` gives a handle, which may be an argument of another
    `submit`; `result` waits for one and returns its value."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any: ...
    def map(self, function: Callable[..., Any], values: range) -> list[Any]: ...
    def result(self, handle: Any) -> Any: ...


Starts = Callable[[], AbstractContextManager[Peer]]


class Pool:
    """A bare process pool. It knows no dependencies: whoever submits waits for them."""

    def __init__(self, executor: ProcessPoolExecutor) -> None:
        self.executor = executor

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        ready = [one.result() if hasattr(one, "result") else one for one in arguments]
        return self.executor.submit(function, *ready)

    def map(self, function: Callable[..., Any], values: range) -> list[Any]:
        return [self.executor.submit(function, value) for value in values]

    def result(self, handle: Any) -> Any:
        return handle.result()


@contextmanager
def pool() -> Iterator[Peer]:
    # Not forked: this process has threads and an event loop by now.
    with ProcessPoolExecutor(SLOTS, get_context("forkserver")) as executor:
        yield Pool(executor)


# ---------------------------------------------------------------- the work


def chain40(peer: Peer) -> None:
    handle = peer.submit(work.nothing)
    for _ in range(39):
        handle = peer.submit(work.nothing, handle)
    peer.result(handle)


def fan(peer: Peer, width: int) -> None:
    for handle in peer.map(work.nothing, range(width)):
        peer.result(handle)


def cpu10(peer: Peer) -> None:
    for handle in [peer.submit(work.fib, work.FIB) for _ in range(10)]:
        peer.result(handle)


def frames(peer: Peer) -> None:
    data = peer.submit(work.frame)
    for _ in range(5):
        data = peer.submit(work.hand_on, data)
    assert len(peer.result(data))


WORK: dict[str, Callable[[Peer], None]] = {
    "chain40": chain40,
    "fan1000": lambda peer: fan(peer, 1_000),
    "fan10000": lambda peer: fan(peer, 10_000),
    "cpu10": cpu10,
    "frames": frames,
}


def seconds(peer: Peer, name: str) -> float:
    """Do the work once; return how long it took."""
    start = time.perf_counter()
    WORK[name](peer)
    return time.perf_counter() - start
