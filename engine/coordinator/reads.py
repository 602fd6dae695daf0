"""Answers that need nothing but the projection: the coordinator gives them, and so does the command
line of a machine where no daemon runs.

Each is a small function of (reading, args); `READS` is the table of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.authoring.serialized import SerializedTask
    from penstock.store.reading import Reading

Args = dict[str, Any]


class UnknownThingError(UsageError):
    """A DAG, run, task, pool or variable was named that does not exist."""


def find_run(reading: Reading, text: str) -> str:
    """Return the key of the one run that `text` names. Raises UnknownThingError."""
    found = reading.find_runs(text)
    if not found:
        raise UnknownThingError(f"There is no run {text!r}. See: penstock runs list")
    if len(found) > 1:
        raise UnknownThingError(
            f"{len(found)} runs are called {text!r}: say which, as DAG_ID/RUN_ID "
            f"({', '.join(sorted(found)[:5])})."
        )
    return str(found[0])


def runs_show(reading: Reading, args: Args) -> Any:
    return reading.run_document(find_run(reading, args["run"]), xcoms=bool(args.get("xcoms")))


def runs_state(reading: Reading, args: Args) -> Any:
    """Answer the state alone: cheap, however wide the run is."""
    run = find_run(reading, args["run"])
    return {"run": run, "state": reading.run_state(run)}


def runs_list(reading: Reading, args: Args) -> Any:
    return reading.runs(
        dag_id=args.get("dag_id"),
        state=args.get("state"),
        limit=int(args.get("limit", 50)),
        before=args.get("before"),
    )


def dags_list(reading: Reading, args: Args) -> Any:
    return reading.dags()


def dags_show(reading: Reading, args: Args) -> Any:
    found = reading.dag(args["dag_id"])
    if found is None:
        raise unknown_dag(args["dag_id"], [dag["dag_id"] for dag in reading.dags()])
    return found


def dags_errors(reading: Reading, args: Args) -> Any:
    return reading.errors()


def story(reading: Reading, args: Args) -> Any:
    run = find_run(reading, args["run"])
    return {"run": run, "events": reading.story(run)}


def explain_projected(reading: Reading, args: Args) -> Any:
    """Answer why a run is as it is, from what is recorded of it; enough once it is over."""
    run, task = find_run(reading, args["run"]), args.get("task")
    found = reading.run_document(run, xcoms=False)
    wanted = [one for one in found["tasks"] if task is None or one["task_id"] == task]
    if task is not None and not wanted:
        raise UnknownThingError(f"Run {run} has no task {task!r}.")
    reasons = []
    if task is None:
        since = f" since {found['ended_at'][:19]}Z" if found["ended_at"] else ""
        why = f": {found['reason']}" if found.get("reason") else ""
        reasons.append(f"Run {run} is {found['state']}{since}{why}")
    ends: dict[str, set[str]] = {}
    for one in found["tasks"]:
        ends.setdefault(one["task_id"], set()).add(one["state"] or "none")
    steps = {step.task_id: step for step in reading.dag_of(reading.run(run)["version"]).tasks}
    for one in wanted:
        if task is not None or one["state"] != "success":
            reasons.append(_sentence(one, steps[one["task_id"]], ends))
    return {"run": run, "task_id": task, "reasons": reasons}


def _sentence(one: dict[str, Any], step: SerializedTask, ends: dict[str, set[str]]) -> str:
    """Say how an instance ended, and because of what, as far as that is recorded."""
    place = repr(one["task_id"]) + (f"[{one['map_index']}]" if one["map_index"] >= 0 else "")
    tried = f", try {one['try_number']} of {step.retries + 1}" if one["try_number"] else ""
    why = f": {one['reason']}" if one["reason"] else ""
    if not why and not tried and one["state"] in ("skipped", "upstream_failed"):
        above = [f"{up!r} ({', '.join(sorted(ends[up]))})" for up in step.upstream]
        why = f" because of {', '.join(above)} under rule {step.trigger_rule}" if above else ""
    return f"Task {place} is {one['state'] or 'not decided yet'}{tried}{why}"


def pool_list(reading: Reading, args: Args) -> Any:
    return [{"name": name, "slots": slots} for name, slots in sorted(reading.pools().items())]


READS: dict[str, Callable[[Reading, Args], Any]] = {
    "runs_show": runs_show,
    "runs_state": runs_state,
    "runs_list": runs_list,
    "dags_list": dags_list,
    "dags_show": dags_show,
    "dags_errors": dags_errors,
    "story": story,
    "explain": explain_projected,
    "pool_list": pool_list,
}


def unknown_dag(dag_id: str, known: list[str]) -> UnknownThingError:
    from difflib import get_close_matches

    near = get_close_matches(dag_id, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else "See: penstock dags list, penstock dags errors"
    return UnknownThingError(f"There is no DAG {dag_id!r}. {hint}")
