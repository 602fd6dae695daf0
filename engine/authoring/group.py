"""Task groups: tasks that belong together, under a common prefix, linked as one.

A group is a way of writing: after parsing there are only tasks, whose ids carry the prefix.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, overload

from penstock.authoring.edges import Linkable
from penstock.authoring.errors import DagFileError, DuplicateTaskError, UnsupportedError
from penstock.authoring.node import Node, check_key
from penstock.authoring.places import caller_place

if TYPE_CHECKING:
    from penstock.authoring.dag import DAG

_open_groups: list[TaskGroup] = []


class TaskGroup(Linkable):
    """Tasks made inside `with TaskGroup("load"):` get ids that begin with `load.`.

    prefix_group_id False: they keep their own ids, without those of the groups around, too.
    default_args: for its tasks, over the DAG's and the outer groups'. tooltip, doc_md, ui_color,
    ui_fgcolor, group_display_name: for people. add_suffix_on_collision: a second `load` becomes
    `load__1`.
    """

    def __init__(
        self,
        group_id: str,
        prefix_group_id: bool = True,
        parent_group: TaskGroup | None = None,
        dag: DAG | None = None,
        default_args: dict[str, Any] | None = None,
        tooltip: str = "",
        ui_color: str = "CornflowerBlue",
        ui_fgcolor: str = "#000",
        add_suffix_on_collision: bool = False,
        group_display_name: str = "",
        doc_md: str | None = None,
    ) -> None:
        from penstock.authoring.dag import current_dag

        self.place = caller_place()
        check_key(group_id, "the group_id", self.place, dots=False)
        found = dag or (parent_group.dag if parent_group else current_dag())
        if found is None:
            raise DagFileError(
                f"task group {group_id!r} is of no DAG: make it inside `with DAG(...):`.",
                self.place,
            )
        self.dag: DAG = found
        self.parent_group = parent_group or current_group(self.dag)
        self.prefix_group_id = prefix_group_id
        self.tooltip, self.group_display_name = tooltip, group_display_name or group_id
        self.ui_color, self.ui_fgcolor, self.doc_md = ui_color, ui_fgcolor, doc_md
        parents: dict[str, Any] = self.parent_group.default_args if self.parent_group else {}
        self.default_args: dict[str, Any] = {**parents, **(default_args or {})}
        self.children: dict[str, Node | TaskGroup] = {}
        self._above: list[Linkable] = []
        self._below: list[Linkable] = []
        self.group_id = self._unique(self._in_parent(group_id), add_suffix_on_collision)
        self.dag.add_group(self)
        if self.parent_group is not None:
            self.parent_group.children[self.group_id] = self

    def _in_parent(self, label: str) -> str:
        return self.parent_group.prefix + label if self.parent_group else label

    def _unique(self, group_id: str, suffix: bool) -> str:
        if group_id not in self.dag.groups and group_id not in self.dag.task_dict:
            return group_id
        if not suffix:
            raise DuplicateTaskError(
                f"DAG {self.dag.dag_id!r} already has a task or group {group_id!r}.", self.place
            )
        return self.dag.next_free(group_id)

    @property
    def prefix(self) -> str:
        """What the ids of the tasks inside begin with."""
        return f"{self.group_id}." if self.prefix_group_id else ""

    @property
    def node_id(self) -> str:
        return self.group_id

    def child_id(self, label: str) -> str:
        return f"{self.prefix}{label}"

    def told_of(self, other: Linkable, *, upstream: bool) -> None:
        """Pass arrows on while there is no task inside: they go from what is above to below."""
        if any(self.tasks()):
            return
        here, there = (self._above, self._below) if upstream else (self._below, self._above)
        here.append(other)
        for far in there:
            if upstream:
                other.set_downstream(far)
            else:
                far.set_downstream(other)

    def get_child_by_label(self, label: str) -> Node | TaskGroup:
        """Return a task or group right inside. Raises KeyError if there is none."""
        return self.children[self.child_id(label)]

    def __iter__(self) -> Iterator[Node]:
        return self.tasks()

    iter_tasks = __iter__

    def tasks(self) -> Iterator[Node]:
        """Yield every task inside, those of nested groups too."""
        for child in self.children.values():
            if isinstance(child, TaskGroup):
                yield from child.tasks()
            else:
                yield child

    def heads(self) -> list[Node]:
        inside = {task.task_id for task in self.tasks()}
        return [task for task in self.tasks() if not task.upstream_task_ids & inside]

    def tails(self) -> list[Node]:
        """Return the last tasks. What comes after a group does not wait for its teardowns."""
        inside = {task.task_id: task for task in self.tasks()}

        def is_last(task: Node) -> bool:
            below = [inside[name] for name in task.downstream_task_ids & inside.keys()]
            only_cleared = all(each.is_teardown for each in below)
            return not task.is_teardown and only_cleared and not (task.is_setup and below)

        return [task for task in inside.values() if is_last(task)]

    def get_roots(self) -> Iterator[Node]:
        return iter(self.heads())

    def get_leaves(self) -> Iterator[Node]:
        return iter(self.tails())

    @property
    def is_root(self) -> bool:
        return False

    @property
    def roots(self) -> list[Node]:
        return self.heads()

    @property
    def leaves(self) -> list[Node]:
        return self.tails()

    def __enter__(self) -> TaskGroup:
        _open_groups.append(self)
        return self

    def __exit__(self, *exc: object) -> None:
        _open_groups.pop()

    def __repr__(self) -> str:
        return f"<TaskGroup {self.group_id}>"


def current_group(dag: DAG | None) -> TaskGroup | None:
    """Return the innermost open group, if it is of this DAG."""
    if _open_groups and _open_groups[-1].dag is dag:
        return _open_groups[-1]
    return None


class _GroupFactory:
    """A function under `@task_group`: each call makes a group with the tasks that it makes."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        functools.update_wrapper(self, function)
        self.function, self.options = function, options

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        options = {
            "group_id": self.function.__name__,
            "tooltip": inspect.getdoc(self.function) or "",
            "add_suffix_on_collision": True,
            **self.options,
        }
        with TaskGroup(**options) as group:
            result = self.function(*args, **kwargs)
        return group if result is None else result

    def override(self, **options: Any) -> _GroupFactory:
        return _GroupFactory(self.function, {**self.options, **options})

    def partial(self, **kwargs: Any) -> Any:
        raise UnsupportedError("a task group cannot be expanded yet; expand the tasks inside it.")

    expand = expand_kwargs = partial


@overload
def task_group(group_id: Callable[..., Any], /) -> _GroupFactory: ...
@overload
def task_group(
    group_id: str | None = None, **options: Any
) -> Callable[[Callable[..., Any]], _GroupFactory]: ...
def task_group(group_id: Any = None, **options: Any) -> Any:
    """Make a function into a task group: `@task_group` or `@task_group(group_id=...)`."""
    if callable(group_id):
        return _GroupFactory(group_id, options)
    if group_id is not None:
        options["group_id"] = group_id
    return lambda function: _GroupFactory(function, options)
