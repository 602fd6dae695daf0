"""What every task is, expanded or not: a place in a DAG, with edges.

`BaseOperator` (one task) and `MappedOperator` (a task that becomes many in a run) are the two
kinds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from penstock.authoring import scopes
from penstock.authoring.edges import Linkable, join
from penstock.authoring.errors import DagFileError, InvalidArgumentError
from penstock.authoring.places import Place

if TYPE_CHECKING:
    from penstock.authoring.dag import DAG
    from penstock.authoring.group import TaskGroup
    from penstock.authoring.scopes import Scope
    from penstock.authoring.xcom_arg import XComArg

KEY_CHARACTERS = frozenset("-_.")
MAX_KEY = 250


class Node(Linkable):
    """A task of a DAG. place: where the author made it."""

    task_id: str
    place: Place
    task_group: TaskGroup | None
    upstream_task_ids: set[str]
    downstream_task_ids: set[str]
    is_setup: bool
    is_teardown: bool
    on_failure_fail_dagrun: bool
    is_mapped: bool = False
    multiple_outputs: bool
    _dag: DAG | None

    def heads(self) -> list[Node]:
        return [self]

    def tails(self) -> list[Node]:
        return [self]

    @property
    def roots(self) -> list[Node]:
        return [self]

    @property
    def leaves(self) -> list[Node]:
        return [self]

    @property
    def node_id(self) -> str:
        return self.task_id

    @property
    def label(self) -> str:
        """The id without its groups' prefix."""
        group = self.task_group
        prefix = group.prefix if group is not None else ""
        return self.task_id.removeprefix(prefix)

    @property
    def dag_or_none(self) -> DAG | None:
        return self._dag

    @property
    def dag(self) -> DAG:
        """The DAG that this task is of. Raises DagFileError if it is of none yet."""
        if self._dag is None:
            raise DagFileError(f"task {self.task_id!r} is of no DAG yet.", self.place)
        return self._dag

    @dag.setter
    def dag(self, dag: DAG | None) -> None:
        if dag is not None and self._dag is not dag:
            dag.add_task(self)

    def has_dag(self) -> bool:
        return self._dag is not None

    @property
    def dag_id(self) -> str:
        return self._dag.dag_id if self._dag is not None else f"adhoc_{getattr(self, 'owner', '')}"

    @property
    def upstream_list(self) -> list[Node]:
        return [self.dag.get_task(task_id) for task_id in sorted(self.upstream_task_ids)]

    @property
    def downstream_list(self) -> list[Node]:
        return [self.dag.get_task(task_id) for task_id in sorted(self.downstream_task_ids)]

    def get_direct_relative_ids(self, upstream: bool = False) -> set[str]:
        """Return the ids of the tasks right below this one, or right above it."""
        return set(self.upstream_task_ids if upstream else self.downstream_task_ids)

    def get_direct_relatives(self, upstream: bool = False) -> list[Node]:
        return self.upstream_list if upstream else self.downstream_list

    def get_flat_relative_ids(self, upstream: bool = False) -> set[str]:
        """Return the ids of all tasks below this one, however far, or of all above it."""
        found: set[str] = set()
        left = self.get_direct_relative_ids(upstream)
        while left:
            found |= left
            each = [self.dag.get_task(task_id) for task_id in left]
            left = {up for task in each for up in task.get_direct_relative_ids(upstream)} - found
        return found

    def get_flat_relatives(self, upstream: bool = False) -> list[Node]:
        return [self.dag.get_task(name) for name in sorted(self.get_flat_relative_ids(upstream))]

    @property
    def output(self) -> XComArg:
        """What this task returns, to be given to other tasks."""
        from penstock.authoring.xcom_arg import XComArg

        return XComArg(self)

    def __enter__(self) -> Scope:
        """Open the scope of a setup or teardown: tasks made inside stand within it."""
        return scopes.enter([self])

    def __exit__(self, *exc: object) -> None:
        scopes.leave()

    def as_setup(self) -> Node:
        """Mark as the setup of what is downstream, and return it."""
        self.is_setup = True
        return self

    def as_teardown(
        self, *, setups: Any = None, on_failure_fail_dagrun: bool | None = None
    ) -> Node:
        """Mark as the teardown of `setups`, and return it."""
        self.is_teardown = True
        self._become_teardown()
        if on_failure_fail_dagrun is not None:
            self.on_failure_fail_dagrun = on_failure_fail_dagrun
        if setups is not None:
            for setup in [setups] if isinstance(setups, Linkable) else setups:
                for node in setup.tails():
                    node.is_setup = True
                setup.set_downstream(self)
        return self

    def _become_teardown(self) -> None:
        raise NotImplementedError

    def wire(self, value: Any) -> None:
        """Make this task wait for every task whose result occurs in `value`, however deep."""
        for argument in results_in(value):
            for node in argument.tails():
                if node is not self:
                    join(node, self)


def results_in(value: Any, seen: set[int] | None = None) -> Iterator[XComArg]:
    """Yield every XComArg in a value: itself, in lists, dicts, sets, or nested template fields."""
    from penstock.authoring.xcom_arg import XComArg

    if isinstance(value, XComArg):
        yield value
    elif isinstance(value, str | bytes | int | float | Node) or value is None:
        return
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from results_in(item, seen)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from results_in(item, seen)
    elif isinstance(fields := getattr(type(value), "template_fields", None), list | tuple):
        seen = seen if seen is not None else set()
        if id(value) not in seen:
            seen.add(id(value))
            for name in fields:
                yield from results_in(getattr(value, name, None), seen)


def check_key(key: Any, what: str, place: Place, *, dots: bool = True) -> None:
    """Refuse an id that is no text, too long, or has characters that ids must not have."""
    if not isinstance(key, str):
        raise InvalidArgumentError(f"{what} must be text, not {type(key).__name__}.", place)
    allowed = KEY_CHARACTERS if dots else KEY_CHARACTERS - {"."}
    if not key or len(key) > MAX_KEY or not all(c.isalnum() or c in allowed for c in key):
        raise InvalidArgumentError(
            f"{what} {key!r} must be 1 to {MAX_KEY} letters, digits, dashes, underscores"
            f"{' and dots' if dots else ''}.",
            place,
        )
