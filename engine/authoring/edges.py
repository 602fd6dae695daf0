"""Who waits for whom: `>>`, `<<`, lists of tasks, `chain` and its kin, and labels on edges.

Everything that can stand beside an arrow is a `Linkable`: a task, a task group, the result of a
task (`XComArg`), a label. It stands for some tasks: `heads` are what an arrow into it reaches,
`tails` what an arrow out of it leaves. The edges themselves are kept by the tasks (`Node`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from penstock.authoring.errors import InvalidArgumentError

if TYPE_CHECKING:
    from penstock.authoring.dag import DAG
    from penstock.authoring.node import Node

Other = TypeVar("Other")


class Linkable:
    """Something that may stand on either side of `>>`."""

    def heads(self) -> Sequence[Node]:
        """Return the tasks that must wait for what comes before this."""
        raise NotImplementedError

    def tails(self) -> Sequence[Node]:
        """Return the tasks that what comes after this must wait for."""
        raise NotImplementedError

    def told_of(self, other: Linkable, *, upstream: bool) -> None:
        """Hear of an arrow from (upstream) or to `other`, once it is made."""

    def set_downstream(self, other: Any, edge_modifier: Label | None = None) -> None:
        """Make `other` (or each of a list) wait for this."""
        for item in _several(other):
            _link(self, item, edge_modifier)

    def set_upstream(self, other: Any, edge_modifier: Label | None = None) -> None:
        """Make this wait for `other` (or each of a list)."""
        for item in _several(other):
            _link(item, self, edge_modifier)

    def __rshift__(self, other: Other) -> Other:
        self.set_downstream(other)
        return other

    def __lshift__(self, other: Other) -> Other:
        self.set_upstream(other)
        return other

    def __rrshift__(self, other: Any) -> Linkable:
        """`[a, b] >> this`."""
        self.set_upstream(other)
        return self

    def __rlshift__(self, other: Any) -> Linkable:
        """`[a, b] << this`."""
        self.set_downstream(other)
        return self


class Label(Linkable):
    """Words on an edge: `a >> Label("when it is fresh") >> b`. For people; decides nothing."""

    def __init__(self, label: str) -> None:
        self.label = label
        self._before: list[Linkable] = []
        self._after: list[Linkable] = []

    def set_downstream(self, other: Any, edge_modifier: Label | None = None) -> None:
        for item in _several(other):
            self._after.append(item)
            for before in self._before:
                _link(before, item, self)

    def set_upstream(self, other: Any, edge_modifier: Label | None = None) -> None:
        for item in _several(other):
            self._before.append(item)
            for after in self._after:
                _link(item, after, self)


def chain(*links: Any) -> None:
    """Make each link wait for the one before it: `chain(a, [b, c], [d, e], f)`.

    Between two lists of one length each task waits for its partner; else all wait for all of a
    single link. Lists of different lengths are refused.
    """
    for before, after in pairwise(links):
        if isinstance(before, Linkable) or isinstance(after, Linkable):
            _all_to_all(before, after)
            continue
        if len(before) != len(after):
            raise InvalidArgumentError(
                f"chain() cannot pair a list of {len(before)} with one of {len(after)}; give both "
                "the same length, or put a task between them (chain_linear() links all with all)."
            )
        for one, other in zip(before, after, strict=True):
            _all_to_all(one, other)


def chain_linear(*links: Any) -> None:
    """Make every task of each link wait for every task of the one before it.

    `chain_linear([a, b], [c, d, e])`: each of three waits for both.
    """
    if not links:
        raise InvalidArgumentError("chain_linear() needs tasks to link.")
    for before, after in pairwise(links):
        _all_to_all(before, after)


def cross_downstream(from_tasks: Sequence[Any], to_tasks: Any) -> None:
    """Make every one of `to_tasks` wait for every one of `from_tasks`."""
    for task in from_tasks:
        task.set_downstream(to_tasks)


def _all_to_all(before: Any, after: Any) -> None:
    for item in _several(before):
        item.set_downstream(after)


def _several(other: Any) -> list[Linkable]:
    """Return what may be one, a list, or lists in lists, as a flat list."""
    if isinstance(other, Linkable):
        return [other]
    if isinstance(other, Iterable) and not isinstance(other, str):
        return [item for each in other for item in _several(each)]
    raise InvalidArgumentError(
        f"a dependency must be a task, a task group, a task's result, or a list of these; "
        f"this is {other!r} ({type(other).__name__})."
    )


def _link(before: Linkable, after: Linkable, label: Label | None) -> None:
    if isinstance(before, Label):
        return before.set_downstream(after)
    if isinstance(after, Label):
        return after.set_upstream(before)
    for up in before.tails():
        for down in after.heads():
            join(up, down, label)
    after.told_of(before, upstream=True)
    before.told_of(after, upstream=False)
    return None


def join(up: Node, down: Node, label: Label | None = None) -> None:
    """Make the task `down` wait for the task `up`; a task without a DAG joins the other's."""
    dag: DAG | None = up.dag_or_none or down.dag_or_none
    if dag is not None:
        for node in (up, down):
            if node.dag_or_none is None:
                dag.add_task(node)
            elif node.dag_or_none is not dag:
                raise InvalidArgumentError(
                    f"task {up.task_id!r} of DAG {up.dag.dag_id!r} and task {down.task_id!r} of "
                    f"DAG {down.dag.dag_id!r} cannot wait for each other: they are of two DAGs."
                )
        if label is not None:
            dag.edge_info.setdefault(up.task_id, {})[down.task_id] = {"label": label.label}
    up.downstream_task_ids.add(down.task_id)
    down.upstream_task_ids.add(up.task_id)
