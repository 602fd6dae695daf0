"""`with setup >> teardown:` — tasks made inside stand between the two.

On leaving, those that wait for nothing yet wait for the setups, and the teardowns wait for those
that nothing waits for. A scope inside another: its setups come after the outer ones, its teardowns
before them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from penstock.authoring.edges import Linkable, join
from penstock.authoring.errors import InvalidArgumentError

if TYPE_CHECKING:
    from penstock.authoring.node import Node

_open: list[Scope] = []


class Scope:
    """What `with ... as scope` gives; `scope.add_task(task)` takes one in that was made before."""

    def __init__(self, setups: Sequence[Node], teardowns: Sequence[Node]) -> None:
        self.setups, self.teardowns = setups, teardowns
        self.tasks: dict[Node, None] = {}

    def add_task(self, task: Linkable) -> None:
        self.tasks.update(dict.fromkeys(task.heads()))

    def link(self, outer: Scope | None) -> None:
        inside = [task for task in self.tasks if not task.is_setup and not task.is_teardown]
        first = [task for task in inside if not task.upstream_task_ids] or inside[:1]
        last = [task for task in inside if not task.downstream_task_ids] or inside[-1:]
        for ups, downs in (
            (self.setups, first),
            (last, self.teardowns),
            (outer.setups if outer else (), self.setups),
            (self.teardowns, outer.teardowns if outer else ()),
        ):
            for up in ups:
                for down in downs:
                    if up is not down:
                        join(up, down)


def enter(nodes: Sequence[Node]) -> Scope:
    """Open a scope of setups, or of teardowns; the other end is found along their arrows."""
    if not nodes or not all(node.is_setup or node.is_teardown for node in nodes):
        raise InvalidArgumentError(
            "only setups and teardowns open a scope: mark the task by as_setup() or as_teardown()."
        )
    if len({node.is_teardown for node in nodes}) > 1:
        raise InvalidArgumentError("a scope is opened by setups or by teardowns, not by both.")
    if nodes[0].is_teardown:
        scope = Scope(_nearest(nodes[0], upstream=True), nodes)
    else:
        scope = Scope(nodes, _nearest(nodes[0], upstream=False))
    _open.append(scope)
    return scope


def leave() -> None:
    scope = _open.pop()
    scope.link(_open[-1] if _open else None)


def note(task: Node) -> None:
    """Take a task that was just made into the innermost open scope, if there is one."""
    if _open:
        _open[-1].add_task(task)


def _nearest(node: Node, *, upstream: bool) -> list[Node]:
    """Return the setups right above a teardown, or else any above it; and the other way round."""
    word = "is_setup" if upstream else "is_teardown"
    for some in (node.get_direct_relatives(upstream), node.get_flat_relatives(upstream)):
        if found := [each for each in some if getattr(each, word)]:
            return found
    return []


class context_wrapper(list[Any]):
    """Several setups, or several teardowns, as one scope: `with context_wrapper([a, b]):`."""

    def __enter__(self) -> Scope:
        return enter([node for each in self for node in each.heads()])

    def __exit__(self, *exc: object) -> None:
        leave()
