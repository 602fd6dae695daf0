"""`penstock bench` with more peers: Dask does the same work in the same run. `make bench` is this.

    python benchmarks/peers.py [--repeat 5] [--only chain40]... [--json]

No peer keeps anything: a bare `ProcessPoolExecutor` of two is the floor that Penstock, which syncs
every outcome to disk, is held to; Dask is the nearest scheduler without a log. A peer that is not
installed is left out, and that is said.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import click

from penstock.bench.measures import NAMES
from penstock.bench.yardstick import SLOTS, Peer
from penstock.cli.bench import bench


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
def dask() -> Iterator[Peer]:
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ImportError(f"{error}. To compare: pip install 'dask[distributed]'") from error
    cluster = LocalCluster(
        n_workers=SLOTS,
        threads_per_worker=1,
        dashboard_address=None,
        host="127.0.0.1",
        silence_logs=logging.CRITICAL,  # it complains of its own end
    )
    client = Client(cluster)
    try:
        yield Dask(client)
    finally:  # not `with`: what they set for the current context is not ours to keep
        client.close()
        cluster.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5, help="times each; the median counts")
    parser.add_argument("--only", action="append", choices=NAMES, help="this measure alone")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    try:
        bench(arguments.only or NAMES, arguments.repeat, {"dask": dask}, as_json=arguments.json)
    except click.Abort:
        sys.exit("interrupted")


if __name__ == "__main__":
    main()
