"""Branches: a task that decides which of the tasks below it are left out of the run.

What is left out is worked out here, from the DAG's graph, and handed over as task ids
(`ti.skip`): the engine skips those that have not started when this task ends well, whatever their
trigger rules say, and what hangs on them follows by its own rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from penstock.authoring.context import Context
from penstock.authoring.exceptions import AirflowException
from penstock.authoring.node import Node
from penstock.authoring.operator import BaseOperator

if TYPE_CHECKING:
    from penstock.authoring.dag import DAG
    from penstock.authoring.task_instance import TaskInstance

SKIP_KEY = "skipmixin_key"
SKIPPED, FOLLOWED = "skipped", "followed"
"""The XCom in which a deciding task says what it left out, or what it went on with; Airflow's."""


class SkipMixin:
    """For operators that leave tasks out of the run: `self.skip(ti, tasks)`."""

    def skip(self, ti: TaskInstance, tasks: Iterable[Any]) -> bool:
        """Leave these tasks out, once this one has succeeded. Returns whether there were any."""
        names = [task.task_id for task in tasks if isinstance(task, Node)]
        if names:
            ti.xcom_push(SKIP_KEY, {SKIPPED: names})
        return _leave_out(ti, names)

    def skip_all_except(
        self, ti: TaskInstance, branch_task_ids: str | Iterable[str] | None
    ) -> bool:
        """Leave out the tasks right below, but for the chosen ones and what is below these.

        None or an empty list: all are left out. Returns whether any was. Raises AirflowException if
        what was chosen are no ids of tasks.
        """
        chosen = _ids(ti, branch_task_ids)
        dag, below = ti.task.dag, ti.task.downstream_list
        kept = set(chosen)
        for name in chosen:
            kept |= dag.get_task(name).get_flat_relative_ids()
        if chosen and not kept & ti.task.get_direct_relative_ids():
            ti.log.warning(
                "The branch %r goes to %s, which is not below it, so all that is gets skipped.",
                ti.task_id,
                ", ".join(map(repr, chosen)),
            )
        followed = [task.task_id for task in below if task.task_id in kept]
        skipped = [task.task_id for task in below if task.task_id not in kept]
        if below:
            ti.xcom_push(SKIP_KEY, {FOLLOWED: followed})
        return _leave_out(ti, skipped)


def _leave_out(ti: TaskInstance, names: list[str]) -> bool:
    # Tasks below a mapped one are there once for all of its instances: none of them may decide.
    if not names or ti.is_mapped:
        return False
    ti.log.info("Skipping %s", ", ".join(names))
    ti.skip(names)
    return True


def _ids(ti: TaskInstance, said: Any) -> list[str]:
    """Return the ids that a branch chose, each once. Raises AirflowException for what is none."""
    if said is None:
        return []
    if not isinstance(said, str | Iterable):
        raise AirflowException(
            f"the branch {ti.task_id!r} chose {said!r}; it must choose a task id, a task group's "
            "id, a list of these, or None for none of what is below it."
        )
    chosen = [said] if isinstance(said, str) else list(dict.fromkeys(said))
    dag: DAG = ti.task.dag
    if wrong := [each for each in chosen if not isinstance(each, str) or not dag.has_task(each)]:
        below = ", ".join(map(repr, sorted(ti.task.get_direct_relative_ids()))) or "nothing"
        raise AirflowException(
            f"the branch {ti.task_id!r} chose {', '.join(map(repr, wrong))}, which DAG "
            f"{dag.dag_id!r} has no task or task group of. Below the branch: {below}."
        )
    return chosen


class BranchMixIn(SkipMixin):
    """For operators that choose a way: `return self.do_branch(context, chosen)`."""

    def do_branch(self, context: Context, branches_to_execute: Any) -> Any:
        """Go the chosen way: task ids, ids of task groups, a list of both, or None.

        Returns what is to be the XCom: as in Airflow it is the choice if nothing was left out by
        it, else there is none.
        """
        ti = context["ti"]
        if isinstance(branches_to_execute, Iterable) and not isinstance(branches_to_execute, str):
            branches_to_execute = list(branches_to_execute)
        ti.log.info("Branch into %s", branches_to_execute)
        skips = self.skip_all_except(ti, _heads_for_groups(ti.task.dag, branches_to_execute))
        return None if skips else branches_to_execute


def _heads_for_groups(dag: DAG, chosen: Any) -> Any:
    """Return the choice with the first tasks of a group where the group's id stood."""
    if isinstance(chosen, str):
        chosen = [chosen]
    if not isinstance(chosen, list):
        return chosen

    def each() -> Iterator[Any]:
        for name in chosen:
            group = dag.groups.get(name) if isinstance(name, str) else None
            yield from [name] if group is None else (head.task_id for head in group.heads())

    return list(each())


class BaseBranchOperator(BaseOperator, BranchMixIn):
    """A task that chooses among the tasks right below it. Own operators write `choose_branch`.

    class ByDay(BaseBranchOperator):
        def choose_branch(self, context):
            return "full" if context["logical_date"].day == 1 else ["quick", "notify"]
    """

    inherits_from_skipmixin = True

    def choose_branch(self, context: Context) -> str | Iterable[str] | None:
        """Return the ids of the tasks or task groups to go on with; None: skip all below."""
        raise NotImplementedError(f"{type(self).__name__} has no choose_branch(context).")

    def execute(self, context: Context) -> Any:
        return self.do_branch(context, self.choose_branch(context))
