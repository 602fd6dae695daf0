"""What became of a run that was tried: states, tries, XComs, logs, errors, and why.

A `RunResult` is also what `dag.test()` returns in the place of Airflow's DagRun, so it answers to a
few of that one's names.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.authoring.context import moment
from penstock.authoring.xcom_arg import RETURN_KEY
from penstock.errors import PenstockError
from penstock.lifecycle.state import RunState
from penstock.lifecycle.states import WORDS
from penstock.testing.others import TriggeredRun
from penstock.worker import xcom

if TYPE_CHECKING:
    from penstock.testing.stage import Stage

WORST = ("failed", "upstream_failed", "running", "up_for_retry", "deferred", "queued", "none")


class NoSuchTaskError(PenstockError, KeyError):
    """A result is asked for a task, or an instance, that the run does not have."""

    def __str__(self) -> str:
        return str(self.args[0])


class InstanceResult:
    """One task instance. map_index: -1 if not mapped. state: a word, or "none" if it never came up.

    try_number: 0 if it never started. xcoms: {key: value} of the try that won. log: what its last
    try printed; logs: by try. error: what its last try raised, None if nothing; reason: why it is
    in its state, one line. started_at, ended_at: of the last try, in UTC.
    """

    def __init__(
        self,
        task_id: str,
        map_index: int,
        state: str,
        try_number: int,
        *,
        xcoms: dict[str, Any],
        logs: dict[int, str],
        error: BaseException | None,
        reason: str = "",
        started_at: datetime | None = None,
        ended_at: datetime | None = None,
    ) -> None:
        self.task_id, self.map_index = task_id, map_index
        self.state, self.try_number = state, try_number
        self.xcoms, self.logs, self.error, self.reason = xcoms, logs, error, reason
        self.started_at, self.ended_at = started_at, ended_at

    def __repr__(self) -> str:
        place = self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"
        why = f": {self.reason}" if self.reason else ""
        return f"<{place} {self.state}, try {self.try_number}{why}>"

    @property
    def xcom(self) -> Any:
        """What it returned; None if nothing."""
        return self.xcoms.get(RETURN_KEY)

    @property
    def log(self) -> str:
        return self.logs.get(self.try_number, "")

    def xcom_pull(self, task_ids: str | None = None, key: str = RETURN_KEY, **_: Any) -> Any:
        """Return one of its own XComs, as Airflow's TaskInstance does."""
        if task_ids not in (None, self.task_id):
            raise NoSuchTaskError(f"ask task {task_ids!r} itself: run.tasks[{task_ids!r}].xcom")
        return self.xcoms.get(key)


class TaskResult:
    """One task of a run, with all its instances; a task that is not mapped has one.

    Of a mapped task `state` is that of all its instances, or the worst; `xcom` is their list, `log`
    all that they printed, `error` the first. `task[3]` is the instance of map index 3.
    """

    def __init__(self, task_id: str, instances: list[InstanceResult], *, is_mapped: bool) -> None:
        self.task_id, self.instances, self.is_mapped = task_id, instances, is_mapped

    def __repr__(self) -> str:
        return f"<{self.task_id} {self.state}, {len(self.instances)} of it>"

    def __getitem__(self, map_index: int) -> InstanceResult:
        for instance in self.instances:
            if instance.map_index == map_index:
                return instance
        raise NoSuchTaskError(f"task {self.task_id!r} has no instance of map index {map_index}")

    def __len__(self) -> int:
        return len(self.instances)

    @property
    def state(self) -> str:
        states = {instance.state for instance in self.instances}
        return next((word for word in WORST if word in states), self._best(states))

    @staticmethod
    def _best(states: set[str]) -> str:
        return "success" if "success" in states else min(states)

    @property
    def states(self) -> list[str]:
        """The states of all instances, in the order of map indexes."""
        return [instance.state for instance in self.instances]

    @property
    def try_number(self) -> int:
        return max(instance.try_number for instance in self.instances)

    @property
    def xcom(self) -> Any:
        """What it returned; of a mapped task a list, with None for instances that did not."""
        values = [instance.xcom for instance in self.instances]
        return values if self.is_mapped else values[0]

    @property
    def xcoms(self) -> dict[str, Any]:
        """{key: value}; of a mapped task {key: list}, without instances that lack the key."""
        if not self.is_mapped:
            return self.instances[0].xcoms
        keys = dict.fromkeys(key for one in self.instances for key in one.xcoms)
        return {key: [one.xcoms[key] for one in self.instances if key in one.xcoms] for key in keys}

    @property
    def log(self) -> str:
        return "".join(instance.log for instance in self.instances)

    @property
    def error(self) -> BaseException | None:
        return next((one.error for one in self.instances if one.error is not None), None)

    @property
    def reason(self) -> str:
        return next((one.reason for one in self.instances if one.reason), "")


class RunResult:
    """A run that was tried. state: `success`, `failed`, or `running` if it could not go on.

    tasks: by id, in topological order. waits: what a run that could not go on waits for. variables:
    as the tasks left them. triggered: runs of other DAGs that they asked for; none was run. conf,
    run_id, dag_id, logical_date: as its tasks saw them.
    """

    def __init__(self, stage: Stage) -> None:
        run = stage.run
        self._stage = stage
        self.dag_id, self.run_id = run.triggered.dag_id, run.triggered.run_id
        self.run_type: str = run.triggered.run_type
        self.conf: dict[str, Any] = msgspec.json.decode(run.triggered.conf)
        self.logical_date = moment(run.triggered.logical_date)
        self.state, self.reason, self.waits = run.state, run.reason, stage.waits
        self.start_date, self.end_date = moment(run.started_at), moment(run.ended_at)
        self.variables = dict(stage.answers.variables)
        self.triggered: list[TriggeredRun] = list(stage.answers.others.triggered)
        self.tasks: dict[str, TaskResult] = _Tasks(
            (record.step.task.task_id, task_result(stage, run, record.step.number))
            for record in run.tasks
        )

    def __repr__(self) -> str:
        return f"<{self.dag_id}/{self.run_id} {self.state}>"

    @property
    def states(self) -> dict[str, str]:
        """{task_id: state}."""
        return {task_id: task.state for task_id, task in self.tasks.items()}

    def explain(self, task_id: str | None = None, *, map_index: int | None = None) -> str:
        """Say why the run, or one task of it, is in its state: a sentence a line."""
        lines = self._stage.explain(task_id, map_index)
        return "\n".join([*lines, *self.waits] if task_id is None else lines)

    # ------------------------------------------------------------ as Airflow's DagRun

    def get_state(self) -> str:
        return self.state

    def get_task_instances(self, state: Any = None) -> list[InstanceResult]:
        """Return the instances of all tasks; of one state or several, if so asked."""
        wanted = None if state is None else {state} if isinstance(state, str) else set(state)
        return [
            one
            for task in self.tasks.values()
            for one in task.instances
            if wanted is None or one.state in wanted
        ]

    def get_task_instance(self, task_id: str, map_index: int = -1) -> InstanceResult | None:
        task = self.tasks.get(task_id)
        found = [one for one in task.instances if one.map_index == map_index] if task else []
        return found[0] if found else None

    def document(self, *, xcoms: bool = False) -> dict[str, Any]:
        """Return it as JSON, as `penstock run --json` shows a run."""
        shown: dict[str, Any] = {
            "dag_id": self.dag_id,
            "run_id": self.run_id,
            "state": self.state,
            "run_type": self.run_type,
            "logical_date": written(self.logical_date),
            "started_at": written(self.start_date),
            "ended_at": written(self.end_date),
            "conf": self.conf,
            "reason": self.reason,
            "waits": self.waits,
            "tasks": [instance_document(one) for one in self.get_task_instances()],
        }
        if xcoms:
            shown["xcoms"] = list(xcom_documents(self._stage))
        return shown


class _Tasks(dict[str, TaskResult]):
    def __missing__(self, task_id: str) -> TaskResult:
        raise NoSuchTaskError(f"the run has no task {task_id!r} (it has: {', '.join(self)})")


def task_result(stage: Stage, run: RunState, number: int) -> TaskResult:
    record = run.tasks[number]
    task_id = record.step.task.task_id
    instances = []
    for place, code in enumerate(record.states):
        index = record.index(place)
        row = stage.rows.get((task_id, index))
        pushed = stage.answers.rows.get((run.key, task_id), {}).get(index, {})
        tries = record.tries[place]
        records = stage.attempts.records
        instances.append(
            InstanceResult(
                task_id,
                index,
                WORDS[code],
                tries,
                xcoms={
                    key: xcom.decode(one, stage.attempts.blobs.place) for key, one in pushed.items()
                },
                logs={
                    number: "".join(records[task_id, index, number])
                    for number in range(1, tries + 1)
                    if (task_id, index, number) in records
                },
                error=stage.attempts.errors.get((task_id, index, tries)),
                reason=row.reason if row is not None and WORDS[code] != "success" else "",
                started_at=moment(row.started_at) if row is not None else None,
                ended_at=moment(row.ended_at) if row is not None else None,
            )
        )
    return TaskResult(task_id, instances, is_mapped=bool(record.step.task.mapped))


# ---------------------------------------------------------------- as JSON


def instance_document(one: InstanceResult) -> dict[str, Any]:
    return {
        "task_id": one.task_id,
        "map_index": one.map_index,
        "state": one.state,
        "try_number": one.try_number,
        "started_at": written(one.started_at),
        "ended_at": written(one.ended_at),
        "reason": one.reason,
    }


def xcom_documents(stage: Stage) -> Iterator[dict[str, Any]]:
    """Yield every XCom of the run, by its JSON or the preview that people are shown."""
    for task in stage.run.plan.dag.tasks:
        pushed = stage.answers.rows.get((stage.key, task.task_id), {})
        for index, xcoms in sorted(pushed.items()):
            for key, one in xcoms.items():
                has_one = memoryview(one.shown).nbytes > 0
                value = msgspec.json.decode(one.shown) if has_one else None
                yield {"task_id": task.task_id, "map_index": index, "key": key, "value": value}


def written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
