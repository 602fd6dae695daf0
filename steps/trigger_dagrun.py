"""TriggerDagRunOperator: a task that triggers a run of another DAG, and may wait for its end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from penstock.authoring.context import Context, micros
from penstock.authoring.errors import InvalidArgumentError
from penstock.authoring.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
)
from penstock.authoring.operator import BaseOperator
from penstock.authoring.vocabulary import NOTSET, is_set
from penstock.events.types import Awaited
from penstock.steps.triggers.ends import EndTrigger
from penstock.steps.triggers.temporal import utc

RUN_ID_KEY = "trigger_run_id"
"""The XCom that tells the id of the run."""

DATE_KEY = "trigger_logical_date_iso"


class DagIsPaused(AirflowException):
    """The DAG to trigger is paused, and the task said that it fails then."""

    def __init__(self, dag_id: str) -> None:
        super().__init__(f"Dag {dag_id} is paused")
        self.dag_id = dag_id


class TriggerDagRunOperator(BaseOperator):
    """Triggers a run of DAG `trigger_dag_id`.

    trigger_run_id: the run's id; None: one that is made of this try's, so that a try that is sent
    again triggers no second run. conf: JSON, for the run's params. logical_date: a datetime, the
    text of one, or None for none; not given: now. skip_when_already_exists: a run of that id skips
    this task instead of failing it. fail_when_dag_is_paused: what it says.
    wait_for_completion: it ends when the run does, well in one of allowed_states (`success`), badly
    in one of failed_states (`failed`); it holds no slot meanwhile and hears of the end. What no end
    tells is looked at every `poke_interval` seconds.
    `TriggerDagRunOperator(task_id="t", trigger_dag_id="report", wait_for_completion=True)`.
    """

    template_fields: Sequence[str] = (
        "trigger_dag_id",
        "trigger_run_id",
        "logical_date",
        "conf",
        "wait_for_completion",
        "skip_when_already_exists",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"conf": "py"}
    ui_color = "#ffefeb"

    def __init__(
        self,
        *,
        trigger_dag_id: str,
        trigger_run_id: str | None = None,
        conf: dict[str, Any] | None = None,
        logical_date: Any = NOTSET,
        run_after: Any = NOTSET,
        reset_dag_run: bool = False,
        wait_for_completion: bool = False,
        poke_interval: float = 60,
        allowed_states: Iterable[str] | None = None,
        failed_states: Iterable[str] | None = None,
        skip_when_already_exists: bool = False,
        fail_when_dag_is_paused: bool = False,
        note: str | None = None,
        deferrable: bool = False,
        openlineage_inject_parent_info: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if is_set(run_after) and run_after is not None:
            raise InvalidArgumentError(
                f"task {self.task_id!r}: run_after is not here yet; let a sensor wait before it.",
                self.place,
            )
        self.trigger_dag_id, self.trigger_run_id, self.conf = trigger_dag_id, trigger_run_id, conf
        self.logical_date, self.reset_dag_run = logical_date, reset_dag_run
        self.wait_for_completion, self.poke_interval = wait_for_completion, poke_interval
        self.allowed_states = [str(state) for state in allowed_states or ("success",)]
        failed = ("failed",) if failed_states is None else failed_states
        self.failed_states = [str(state) for state in failed]
        self.skip_when_already_exists = skip_when_already_exists
        self.fail_when_dag_is_paused = fail_when_dag_is_paused
        # Taken, and without effect: a wait holds no slot in any case.
        self.deferrable, self.note = deferrable, note
        self.openlineage_inject_parent_info = openlineage_inject_parent_info

    def execute(self, context: Context) -> None:
        ti = context["ti"]
        run_id = str(self.trigger_run_id or self._run_id_of(ti))
        date = self._date()
        answer = ti.backend.trigger_run(
            self.trigger_dag_id,
            run_id,
            logical_date=None if date is None else micros(date),
            conf=self._checked_conf(),
            unless_paused=self.fail_when_dag_is_paused,
        )
        if answer.state == "paused":
            raise DagIsPaused(self.trigger_dag_id)
        if not answer.is_new:
            self._refuse(run_id)
        self.log.info("DAG %s has the run %s.", self.trigger_dag_id, run_id)
        ti.xcom_push(RUN_ID_KEY, run_id)
        if said_yes(self.wait_for_completion):
            self.look_again(context, run_id=run_id)

    def _refuse(self, run_id: str) -> None:
        said = f"DAG {self.trigger_dag_id!r} has a run {run_id!r} already"
        if said_yes(self.skip_when_already_exists):
            raise AirflowSkipException(f"{said}, and skip_when_already_exists is set.")
        if self.reset_dag_run:
            raise AirflowFailException(
                f"{said}, and clearing it (reset_dag_run) is not here yet: choose another "
                "trigger_run_id, or leave it out."
            )
        raise AirflowFailException(f"{said}. Choose another trigger_run_id, or leave it out.")

    def look_again(self, context: Context, run_id: str, event: Any = None) -> None:
        """End if the run has ended, else go on waiting for it."""
        found = context["ti"].backend.states(self.trigger_dag_id, run_ids=[run_id]).runs
        state = found[0].state if found else "missing"
        if state in self.failed_states:
            raise AirflowException(
                f"{self.trigger_dag_id} failed with failed state {state} (run {run_id})"
            )
        if state in self.allowed_states:
            self.log.info("Run %s ended with the allowed state %s.", run_id, state)
            return
        live = bool(found) and found[0].live
        awaits = [Awaited(self.trigger_dag_id, run_id, live=True)] if live else []
        self.log.info("Run %s is %s: waiting for its end.", run_id, state)
        self.defer(
            trigger=EndTrigger(awaits, self.poke_interval),
            method_name="look_again",
            kwargs={"run_id": run_id},
        )

    def _run_id_of(self, ti: Any) -> str:
        """Return an id that is the same whenever this very try asks, and no other one's."""
        digest = hashlib.sha256("\0".join(map(str, ti.key)).encode()).hexdigest()[:8]
        run = ti.dag_run
        since = run.start_date or run.queued_at or run.logical_date
        return f"manual__{'' if since is None else since.isoformat()}_{digest}"

    def _date(self) -> datetime | None:
        if not is_set(self.logical_date):
            return datetime.now(UTC)
        if self.logical_date is None:
            return None
        return utc(self.logical_date)

    def _checked_conf(self) -> dict[str, Any]:
        try:
            conf = json.loads(self.conf) if isinstance(self.conf, str) and self.conf else self.conf
            json.dumps(conf)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"conf must be JSON, for it goes to another run; {self.conf!r} is not: {error}"
            ) from error
        return conf or {}


def said_yes(value: Any) -> bool:
    """Return a flag, which may come out of a template as a text."""
    return value.strip().lower() in ("true", "1", "yes") if isinstance(value, str) else bool(value)
