"""ExternalTaskSensor: waits for tasks of another DAG, or for its run, of the same moment.

It looks once, and is then woken by the ends that it waits for; see `penstock.steps.triggers.ends`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NoReturn

from penstock.authoring.calls import call_arguments
from penstock.authoring.context import Context, micros
from penstock.authoring.errors import InvalidArgumentError
from penstock.authoring.exceptions import AirflowException, AirflowSkipException
from penstock.authoring.sensor import BaseSensorOperator
from penstock.events.questions import FoundRun
from penstock.events.types import Awaited
from penstock.steps.empty import EmptyOperator
from penstock.steps.triggers.ends import EndTrigger, look_again_at_end

RUN_STATES = frozenset({"queued", "running", "success", "failed"})
ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})


class ExternalTaskError(AirflowException):
    """What an ExternalTaskSensor waits for failed, or is not there."""


class ExternalDagNotFoundError(ExternalTaskError):
    """There is no such DAG, task or task group."""


class ExternalTaskFailedError(ExternalTaskError):
    """One of the tasks is in a state that counts as failed."""


class ExternalTaskGroupFailedError(ExternalTaskError):
    """A task of the group is in a state that counts as failed."""


class ExternalDagFailedError(ExternalTaskError):
    """The run is in a state that counts as failed."""


class ExternalTaskSensor(BaseSensorOperator):
    """Waits until tasks of DAG `external_dag_id`, or its run, are in one of `allowed_states`.

    Of the run with the same logical date, that of execution_delta before it, or those (one or a
    list) that execution_date_fn(logical_date) returns. external_task_id, external_task_ids or
    external_task_group_id: which tasks; none: the run. A mapped task counts once all its instances
    do. failed_states: then it fails; skipped_states: then it skips. check_existence: it fails
    at once if there is no such DAG or task. It holds no slot while it waits, in any mode.
    `ExternalTaskSensor(task_id="wait", external_dag_id="load", external_task_id="clean")`.
    """

    template_fields: Sequence[str] = (
        "external_dag_id",
        "external_task_id",
        "external_task_ids",
        "external_task_group_id",
    )
    ui_color = "#4db7db"

    def __init__(
        self,
        *,
        external_dag_id: str,
        external_task_id: str | None = None,
        external_task_ids: Collection[str] | None = None,
        external_task_group_id: str | None = None,
        allowed_states: Iterable[str] | None = None,
        skipped_states: Iterable[str] | None = None,
        failed_states: Iterable[str] | None = None,
        execution_delta: timedelta | None = None,
        execution_date_fn: Callable[..., Any] | None = None,
        check_existence: bool = False,
        poll_interval: float | None = None,
        deferrable: bool = False,
        **kwargs: Any,
    ) -> None:
        if poll_interval is not None:
            kwargs.setdefault("poke_interval", poll_interval)
        super().__init__(**kwargs)
        self.external_dag_id, self.external_task_group_id = external_dag_id, external_task_group_id
        self.external_task_id = external_task_id
        self.external_task_ids = [external_task_id] if external_task_id else external_task_ids
        self.allowed_states = [str(state) for state in allowed_states or ("success",)]
        self.skipped_states = [str(state) for state in skipped_states or ()]
        self.failed_states = [str(state) for state in failed_states or ()]
        self.execution_delta, self.execution_date_fn = execution_delta, execution_date_fn
        self.check_existence, self.deferrable = check_existence, deferrable
        self._awaits: list[Awaited] = []
        for wrong in self._contradictions(external_task_ids):
            raise InvalidArgumentError(f"task {self.task_id!r}: {wrong}", self.place)

    def _contradictions(self, several: Collection[str] | None) -> Iterator[str]:
        named = [self.external_task_id, several, self.external_task_group_id]
        if sum(bool(each) for each in named) > 1:
            yield "give one of external_task_id, external_task_ids and external_task_group_id."
        if self.execution_delta is not None and self.execution_date_fn is not None:
            yield "give execution_delta or execution_date_fn, not both."
        states = [*self.allowed_states, *self.skipped_states, *self.failed_states]
        if len(set(states)) < len(states):
            yield "a state stands twice in allowed_states, skipped_states and failed_states."
        if not any(named) and (odd := sorted(set(states) - RUN_STATES)):
            yield f"a run is never {odd[0]!r}; it is {', '.join(sorted(RUN_STATES))}."

    def execute(self, context: Context) -> None:
        self.look_again(context)

    def look_again(self, context: Context, event: Any = None) -> None:
        """End if it is there, else go on waiting for what is missing."""
        found = self._look(context)
        if found:
            self.log.info("DAG %s is as far as it is waited for.", self.external_dag_id)
            return
        passed = self.seconds_waited(context)
        if passed > self.timeout:
            self._time_out(passed)
        left = max(min(self.poke_interval, self.timeout - passed), 0.0)
        self._wait(left + 0.001)

    def _wait(self, seconds: float) -> NoReturn:
        if self.deferrable:
            self.defer(trigger=EndTrigger(self._awaits, seconds), method_name="look_again")
        raise look_again_at_end(self._awaits, seconds)

    def poke(self, context: Context) -> bool:
        dates = [micros(date) for date in self.dates(context)]
        tasks = list(dict.fromkeys(self.external_task_ids or ()))
        answer = context["ti"].backend.states(
            self.external_dag_id,
            logical_dates=dates,
            tasks=tasks,
            group=self.external_task_group_id or "",
        )
        if answer.missing and self.check_existence:
            raise ExternalDagNotFoundError(f"{answer.missing}.")
        runs = {run.logical_date: run for run in answer.runs}
        seen = {state for run in runs.values() for state in self._states(run)}
        if seen & set(self.failed_states):
            self._fail()
        if skipped := seen & set(self.skipped_states):
            raise AirflowSkipException(f"{self._what()} is {', '.join(sorted(skipped))}: skipping.")
        self._awaits = [each for date in dates for each in self._missing(date, runs.get(date))]
        return all(self._is_there(runs.get(date)) for date in dates)

    def dates(self, context: Context) -> list[datetime]:
        """Return the logical dates of the runs that it waits for."""
        date = context.get("logical_date") or context["dag_run"].run_after
        if self.execution_delta is not None:
            return [date - self.execution_delta]
        if self.execution_date_fn is None:
            return [date]
        others = {name: value for name, value in context.items() if name != "logical_date"}
        args, kwargs = call_arguments(self.execution_date_fn, [date], {}, others)
        found = self.execution_date_fn(*args, **kwargs)
        return list(found) if isinstance(found, list | tuple) else [found]

    # ------------------------------------------------------------ what was found

    def _of_run(self) -> bool:
        return not self.external_task_ids and not self.external_task_group_id

    def _states(self, run: FoundRun) -> set[str]:
        if self._of_run():
            return {run.state}
        return {state for counts in run.tasks.values() for state in counts}

    def _is_there(self, run: FoundRun | None) -> bool:
        if run is None:
            return False
        if self._of_run():
            return run.state in self.allowed_states
        wanted = (
            set(run.tasks) if self.external_task_group_id else set(self.external_task_ids or ())
        )
        return bool(wanted) and all(self._counts(run.tasks.get(task, {})) for task in wanted)

    def _counts(self, states: dict[str, int]) -> bool:
        return bool(states) and set(states) <= set(self.allowed_states)

    def _missing(self, date: int, run: FoundRun | None) -> Iterator[Awaited]:
        """Yield the ends after which it is worth to look again."""
        dag_id = self.external_dag_id
        if run is None or not run.live:
            names = self.external_task_ids or [""]
            yield from (Awaited(dag_id, logical_date=date, task=str(task)) for task in names)
        elif self._of_run():
            yield Awaited(dag_id, run.run_id, live=True)
        else:
            for task, states in run.tasks.items():
                if not set(states) <= ENDED:
                    yield Awaited(dag_id, run.run_id, task=task, live=True)

    def _fail(self) -> NoReturn:
        if self.soft_fail:
            raise AirflowSkipException(f"{self._what()} failed: skipping, as soft_fail is set.")
        if self.external_task_ids:
            raise ExternalTaskFailedError(f"{self._what()} failed.")
        if self.external_task_group_id:
            raise ExternalTaskGroupFailedError(f"{self._what()} failed.")
        raise ExternalDagFailedError(f"{self._what()} failed.")

    def _what(self) -> str:
        dag = f"DAG {self.external_dag_id!r}"
        if self.external_task_group_id:
            return f"task group {self.external_task_group_id!r} of {dag}"
        if self.external_task_ids:
            names = ", ".join(map(repr, self.external_task_ids))
            return f"one of the tasks {names} of {dag}"
        return f"the run of {dag}"


class ExternalTaskMarker(EmptyOperator):
    """Names a task of another DAG that hangs on this one. It does nothing by itself.

    Airflow clears that task too when this one is cleared; here clearing does not reach it yet.
    """

    template_fields: Sequence[str] = ("external_dag_id", "external_task_id", "logical_date")
    ui_color = "#4db7db"

    def __init__(
        self,
        *,
        external_dag_id: str,
        external_task_id: str,
        logical_date: str | datetime | None = "{{ logical_date.isoformat() }}",
        recursion_depth: int = 10,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.external_dag_id, self.external_task_id = external_dag_id, external_task_id
        self.logical_date, self.recursion_depth = logical_date, recursion_depth
