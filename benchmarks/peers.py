"""The work of `benchmarks/dags`, done by what one would use instead: the yardstick of `make bench`.

Neither peer keeps anything: a bare `ProcessPoolExecutor` of two is the floor that Penstock, which
syncs every outcome to disk, is held to; Dask is the nearest scheduler without a log.

    python benchmarks/peers.py [--repeat 5] [--only chain40] [--output FILE]

Prints one JSON document: {"machine": ..., "peers": {"pool": {"chain40": {"median_s": ...,
"all_s": [...]}, ...}, "dask": ...}}, seconds. A peer that is not installed has {"missing": why}.
Children are warm before a clock starts.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import work

SLOTS = 2


class Peer(Protocol):
    """Somebody who does the work. `submit` gives a handle, which may be an argument of another
    `submit`; `result` waits for one and returns its value."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any: ...
    def map(self, function: Callable[..., Any], values: range) -> list[Any]: ...
    def result(self, handle: Any) -> Any: ...


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


class Dask:
    """A cluster on this machine; a handle is a future that the scheduler resolves."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return self.client.submit(function, *arguments, pure=False)

    def map(self, function: Callable[..., Any], values: range) -> list[Any]:
        return list(self.client.map(function, values, pure=False))

    def result(self, handle: Any) -> Any:
        return handle.result()


@contextlib.contextmanager
def pool() -> Iterator[Peer]:
    with ProcessPoolExecutor(SLOTS) as executor:
        yield Pool(executor)


@contextlib.contextmanager
def dask() -> Iterator[Peer]:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=SLOTS, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        Client(cluster) as client,
    ):
        client.upload_file(work.__file__)
        yield Dask(client)


# ---------------------------------------------------------------- the work


def chain40(peer: Peer) -> None:
    handle = peer.submit(work.nothing)
    for _ in range(39):
        handle = peer.submit(work.nothing, handle)
    peer.result(handle)


def fan(peer: Peer, width: int) -> None:
    peer.result(peer.submit(work.nothing))
    for handle in peer.map(work.nothing, range(width)):
        peer.result(handle)
    peer.result(peer.submit(work.nothing))


def cpu10(peer: Peer) -> None:
    for handle in [peer.submit(work.fib, 30) for _ in range(10)]:
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
PEERS: dict[str, Callable[[], contextlib.AbstractContextManager[Peer]]] = {
    "pool": pool,
    "dask": dask,
}


def measured(peer: Peer, names: list[str], repeat: int) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for handle in [peer.submit(work.frame) for _ in range(4 * SLOTS)]:
        peer.result(handle)  # warm: children started, pandas imported
    for name in names:
        all_s = []
        for _ in range(repeat):
            start = time.perf_counter()
            WORK[name](peer)
            all_s.append(round(time.perf_counter() - start, 4))
        figures[name] = {"median_s": statistics.median(all_s), "all_s": all_s}
        print(f"{name}: {figures[name]['median_s']} s", file=sys.stderr)
    return figures


def compare(names: list[str], repeat: int) -> dict[str, Any]:
    peers: dict[str, Any] = {}
    for name, start in PEERS.items():
        print(f"-- {name}", file=sys.stderr)
        try:
            with start() as peer:
                peers[name] = measured(peer, names, repeat)
        except ImportError as error:
            why = f"{name} is left out: {error}. To compare: pip install 'penstock[bench]'"
            peers[name] = {"missing": why}
            print(why, file=sys.stderr)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "slots": SLOTS}
    return {"machine": machine, "repeat": repeat, "peers": peers}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5, help="times each; the median counts")
    parser.add_argument("--only", action="append", choices=list(WORK), help="this work alone")
    parser.add_argument("--output", type=Path, help="write the JSON there instead of stdout")
    arguments = parser.parse_args()
    text = json.dumps(compare(arguments.only or list(WORK), arguments.repeat), indent=2)
    if arguments.output:
        arguments.output.write_text(text + "\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
