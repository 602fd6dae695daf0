"""A DAG as data: all that the coordinator ever sees of it.

The author's file is run in a worker's child; what comes back is this, as JSON. It has what decides
(when, in which order, how often, how long) and no code. `version` is the digest of the JSON, so the
same file gives the same version on every machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import Raw, Struct


class MappedOver(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One argument that a task is expanded over: a literal's length, or an upstream's XCom.

    Or several of these made into one: its length is the `least`, the `most` or the `sum` (`how`) of
    those of its `parts`. An instance's index runs over the product of all arguments, the last one
    fastest.
    """

    argument: str
    length: int | None = None
    task: str | None = None
    key: str = "return_value"
    how: str = ""
    parts: tuple[MappedOver, ...] = ()

    def sources(self) -> Iterator[MappedOver]:
        """Yield the XComs in it: those whose lengths must be known first."""
        if self.task is not None:
            yield self
        for part in self.parts:
            yield from part.sources()

    def width(self, known: Callable[[MappedOver], int | None]) -> int | None:
        """Return how long it is, None if an XCom is missing. known: the lengths of XComs."""
        if self.task is not None:
            return known(self)
        if not self.how:
            return self.length
        lengths = [part.width(known) for part in self.parts]
        there = [length for length in lengths if length is not None]
        return TOGETHER[self.how](there) if len(there) == len(lengths) else None


TOGETHER: dict[str, Callable[[list[int]], int]] = {"least": min, "most": max, "sum": sum}
"""What several lengths make together, by `MappedOver.how`."""


class SerializedTask(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What decides a task's fate. Durations are seconds.

    upstream: ids of the direct upstream tasks, those implied by XComArgs among them.
    retry_multiplier: by what each delay is longer than the one before, with exponential backoff.
    on_failure_fail_dagrun: of a teardown: it decides the run's fate as any leaf does.
    weight: the effective priority, worked out by the author's `weight_rule`.
    depends_on_past and what follows it: Airflow's arguments of these names.
    callbacks: which of success, failure, retry, skipped the author has set (`execute` runs within
    the attempt). line: where in the DAG's file the task was made.
    """

    task_id: str
    operator: str
    upstream: tuple[str, ...] = ()
    trigger_rule: str = "all_success"
    retries: int = 0
    retry_delay: float = 300.0
    retry_exponential_backoff: bool = False
    retry_multiplier: float = 2.0
    max_retry_delay: float | None = None
    execution_timeout: float | None = None
    pool: str = "default_pool"
    pool_slots: int = 1
    weight: int = 1
    queue: str = "default"
    max_active_tis_per_dag: int | None = None
    max_active_tis_per_dagrun: int | None = None
    mapped: tuple[MappedOver, ...] = ()
    is_async: bool = False
    is_empty: bool = False
    is_setup: bool = False
    is_teardown: bool = False
    on_failure_fail_dagrun: bool = False
    exclusive: bool = False
    depends_on_past: bool = False
    wait_for_downstream: bool = False
    ignore_first_depends_on_past: bool = True
    wait_for_past_depends_before_skipping: bool = False
    callbacks: tuple[str, ...] = ()
    line: int | None = None
    doc_md: str | None = None


class SerializedSchedule(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When runs are made. kind: `none`, `once`, `continuous`, `cron`, `delta`.

    cron: the expression, presets written out. delta: seconds. timezone: an IANA name.
    Times are UTC microseconds.
    """

    kind: str = "none"
    cron: str | None = None
    delta: float | None = None
    timezone: str = "UTC"
    start: int | None = None
    end: int | None = None
    catchup: bool = False
    said: str | None = None


class SerializedDag(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A DAG. tasks: in topological order. params: {name: {"value": ..., "schema": {...}}}.

    file: absolute path of the DAG's file. modules: third-party modules that the file imports, for
    the workers' template to have ready. warnings: sentences on what the file asks for in vain.
    """

    dag_id: str
    tasks: tuple[SerializedTask, ...]
    file: str
    schedule: SerializedSchedule = SerializedSchedule()
    params: dict[str, dict[str, Any]] = {}
    tags: tuple[str, ...] = ()
    description: str | None = None
    doc_md: str | None = None
    max_active_tasks: int = 16
    max_active_runs: int = 16
    dagrun_timeout: float | None = None
    fail_fast: bool = False
    paused_upon_creation: bool | None = None
    callbacks: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    line: int | None = None
    warnings: tuple[str, ...] = ()


class FileError(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a DAG file could not be read. file, line: where, in the author's own code if it is."""

    message: str
    file: str
    line: int | None = None
    traceback: str = ""


class ParsedFile(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What reading a DAG file gave: its DAGs, or why there are none.

    modules: third-party modules that the import brought, as each DAG of the file has them.
    """

    file: str
    dags: tuple[SerializedDag, ...] = ()
    modules: tuple[str, ...] = ()
    error: FileError | None = None


_decode = msgspec.json.Decoder(SerializedDag).decode
_decode_parsed = msgspec.json.Decoder(ParsedFile).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


def dump(dag: SerializedDag) -> tuple[str, Raw]:
    """Return (version, JSON). The version is the SHA-256 of the JSON, 16 hex digits of it."""
    text = _encode(dag)
    return hashlib.sha256(text).hexdigest()[:16], Raw(text)


def load(text: Raw | bytes) -> SerializedDag:
    """Return the DAG that `dump` wrote. Raises msgspec.ValidationError on anything else."""
    return _decode(text)


def load_parsed(text: Raw | bytes) -> ParsedFile:
    """Return what `penstock.worker.dagfile.parse` wrote. Raises msgspec.ValidationError."""
    return _decode_parsed(text)
