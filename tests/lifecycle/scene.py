"""A small language for telling stories to the fold.

    scene = Scene(dag(task("extract"), task("train", "extract", retries=1)))
    scene.trigger()
    scene.succeed("extract")
    assert scene.states() == {"extract": "success", "train": "queued"}

A `Scene` writes the log that a correct leader would write, folds each fact at once, and has the
invariants checked after each. Whatever the fold releases counts as dispatched to worker `w`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from penstock.authoring.serialized import MappedOver, SerializedDag, SerializedTask, dump
from penstock.events.types import (
    Attempt,
    AttemptFailed,
    AttemptInterrupted,
    AttemptPaused,
    AttemptSkipped,
    AttemptStarted,
    AttemptSucceeded,
    DagRegistered,
    Delivery,
    Event,
    Held,
    LeaderElected,
    Pause,
    RunCancelled,
    RunTriggered,
    TimerDue,
    WorkerLost,
    Xcom,
)
from penstock.lifecycle.advance import Entry, advance
from penstock.lifecycle.commands import Command, InstanceRow, Notify, NotifyRun, Ready, Remind
from penstock.lifecycle.invariants import check
from penstock.lifecycle.plan import Plan, Step
from penstock.lifecycle.state import DagState, Past, RunState, State, TaskRecord
from penstock.lifecycle.states import WORDS

SECOND = 1_000_000


def task(task_id: str, upstream: str = "", **options: Any) -> SerializedTask:
    """A task. upstream: ids with blanks between. over: what it is mapped over, see `over`."""
    over = options.pop("over", ())
    rule = options.pop("rule", "all_success")
    options.setdefault("operator", "PythonOperator")
    mapped = tuple(mapped_over(each) for each in (over if isinstance(over, tuple) else (over,)))
    return SerializedTask(
        task_id=task_id,
        upstream=tuple(upstream.split()),
        trigger_rule=rule,
        mapped=mapped,
        **options,
    )


def mapped_over(source: int | str | MappedOver) -> MappedOver:
    """A number: a literal of that length. `task` or `task.key`: that XCom of an upstream."""
    if isinstance(source, MappedOver):
        return source
    if isinstance(source, int):
        return MappedOver(argument="x", length=source)
    name, _, key = source.partition(".")
    return MappedOver(argument="x", task=name, key=key or "return_value")


def dag(*tasks: SerializedTask, dag_id: str = "d", **options: Any) -> SerializedDag:
    return SerializedDag(dag_id=dag_id, tasks=tasks, file=f"/dags/{dag_id}.py", **options)


def a_list(length: int, key: str = "return_value") -> tuple[Xcom, ...]:
    """The XComs of a task that returned a list of that length."""
    return (Xcom(key=key, length=length),)


def a_value(*, is_none: bool = False) -> tuple[Xcom, ...]:
    """The XComs of a task that returned something that cannot be mapped over."""
    return (Xcom(is_none=is_none),)


class Scene:
    """The log so far, the state that it folds to, and every command that came out.

    held: attempts that were released and have no outcome yet, with their last delivery; timers:
    reminders that are asked for. now: microseconds, moved on by hand or by `at`.
    """

    def __init__(self, *dags: SerializedDag, redeliveries: int = 3, checked: bool = True) -> None:
        self.state = State(redeliveries=redeliveries)
        self.checked = checked
        self.entries: list[Entry] = []
        self.steps: list[list[Command]] = []
        self.held: dict[Attempt, Delivery] = {}
        self.timers: list[Remind] = []
        self.now = 1_000 * SECOND
        self.number = 0
        self.sent = 0
        self.say(LeaderElected(epoch=1, leader="c1", rules=1, redeliveries=redeliveries))
        for each in dags:
            self.register(each)

    # ------------------------------------------------------------ telling

    def say(self, event: Event) -> list[Command]:
        """Append a fact, fold it, dispatch what it releases."""
        self.number += 1
        entry = Entry(1, self.number, 0, self.now, event)
        self.entries.append(entry)
        commands = advance(self.state, entry)
        self.steps.append(commands)
        for command in commands:
            self.note(command)
        if self.checked:
            check(self.state, self.story)
        return commands

    def note(self, command: Command) -> None:
        if isinstance(command, Ready):
            for index in range(command.first, command.last):
                self.sent += 1
                tries, phase = command.try_number, command.phase
                attempt = Attempt(command.run, command.task, index, tries, phase)
                self.held[attempt] = Delivery(1, self.sent)
        elif isinstance(command, Remind):
            self.timers.append(command)

    def story(self, run: str) -> Iterator[str]:
        for entry in self.entries:
            if run.split("/")[0] in repr(entry.event):
                yield f"{entry.id} at {entry.at}: {entry.event}"

    def register(self, dag: SerializedDag) -> str:
        version, text = dump(dag)
        self.say(DagRegistered(dag_id=dag.dag_id, version=version, dag=text))
        return version

    def trigger(self, run_id: str = "r", dag_id: str = "d", **options: Any) -> list[Command]:
        version = self.state.dags[dag_id].plan.version
        return self.say(RunTriggered(dag_id=dag_id, run_id=run_id, version=version, **options))

    def cancel(self, run: str = "d/r", by: str = "ann") -> list[Command]:
        return self.say(RunCancelled(run=run, by=by))

    def start(self, task: str, index: int = -1, run: str = "d/r") -> list[Command]:
        attempt = self.current(task, index, run)
        return self.say(started(attempt, self.held[attempt], self.now))

    def succeed(
        self, task: str, index: int = -1, xcoms: tuple[Xcom, ...] = (), run: str = "d/r"
    ) -> list[Command]:
        return self.say(succeeded(*self.pop(task, index, run), self.now, xcoms))

    def fail(
        self,
        task: str,
        index: int = -1,
        reason: str = "it broke",
        final: bool = False,
        run: str = "d/r",
    ) -> list[Command]:
        return self.say(failed(*self.pop(task, index, run), self.now, reason, final))

    def pause(self, task: str, index: int = -1, run: str = "d/r", **pause: Any) -> list[Command]:
        attempt, delivery = self.pop(task, index, run)
        facts = about(attempt, delivery, self.now)
        return self.say(AttemptPaused(**facts, pause=Pause(**pause)))

    def skip(self, task: str, index: int = -1, run: str = "d/r") -> list[Command]:
        return self.say(skipped(*self.pop(task, index, run), self.now))

    def interrupt(
        self, task: str, index: int = -1, begun: bool = True, run: str = "d/r"
    ) -> list[Command]:
        attempt, delivery = self.pop(task, index, run)
        return self.say(
            AttemptInterrupted(
                attempt=attempt, delivery=delivery, worker="w", reason="was killed", begun=begun
            )
        )

    def lose_worker(
        self, *held: Held, clean: bool = False, reason: str = "fell silent"
    ) -> list[Command]:
        for each in held:
            if self.held.get(each.attempt) == each.delivery:
                del self.held[each.attempt]
        return self.say(WorkerLost(worker="w", reason=reason, held=held, clean=clean))

    def ring(self, what: str = "retry") -> list[Command]:
        """The earliest timer of this kind comes due; the clock moves on to it."""
        timer = min((t for t in self.timers if t.what == what), key=lambda t: t.due)
        self.timers.remove(timer)
        return self.ring_timer(timer)

    def ring_timer(self, timer: Remind) -> list[Command]:
        self.now = max(self.now, timer.due)
        return self.say(
            TimerDue(
                what=timer.what, due=timer.due, run=timer.run, task=timer.task, index=timer.index
            )
        )

    # ------------------------------------------------------------ looking

    def wrong_rows(self) -> list[tuple[str, str, int]]:
        """Instances of which the projection would show another state, try or due time."""
        rows = {(row.run, row.task, row.index): row for row in self.commands(InstanceRow)}
        wrong = []
        for run in self.state.runs.values():
            for record in run.tasks:
                for place, code in enumerate(record.states):
                    key = (run.key, record.step.task.task_id, record.index(place))
                    row = rows.get(key)
                    now = (WORDS[code], record.tries[place], record.due.get(place))
                    if row is None:
                        wrong += [key] if code != record.rest else []
                    elif (row.state, row.try_number, row.due) != now:
                        wrong.append(key)
        return wrong

    def current(self, task: str, index: int = -1, run: str = "d/r") -> Attempt:
        """The attempt of this instance that is held."""
        found = [a for a in self.held if (a.run, a.task, a.index) == (run, task, index)]
        assert found, f"nobody holds {task}[{index}] of {run}: {sorted(map(str, self.held))}"
        return found[-1]

    def pop(self, task: str, index: int = -1, run: str = "d/r") -> tuple[Attempt, Delivery]:
        attempt = self.current(task, index, run)
        return attempt, self.held.pop(attempt)

    def lend(self, task: str, index: int = -1, begun: bool = True, run: str = "d/r") -> Held:
        """What worker `w` holds of this instance."""
        attempt = self.current(task, index, run)
        return Held(attempt, self.held[attempt], begun)

    def run(self, key: str = "d/r") -> RunState:
        return self.state.runs[key]

    def states(self, key: str = "d/r") -> dict[str, str]:
        """{task: word}, a mapped task's instances as `task[index]`."""
        return dict(states_of(self.run(key)))

    def commands(self, kind: type[Any]) -> list[Any]:
        """Every command of this kind so far."""
        return of(kind, (command for step in self.steps for command in step))

    def told(self, task: str, index: int = -1, run: str = "d/r") -> list[str]:
        """The states that were told of this instance."""
        return [
            notice.state
            for notice in self.commands(Notify)
            if (notice.run, notice.task) == (run, task) and index in indexes(notice)
        ]

    def run_told(self, run: str = "d/r") -> list[str]:
        return [notice.state for notice in self.commands(NotifyRun) if notice.run == run]


def of(kind: type[Any], commands: Iterable[Command]) -> list[Any]:
    return [command for command in commands if isinstance(command, kind)]


def indexes(command: Notify | Ready) -> range:
    return range(command.first, command.last)


def states_of(run: RunState) -> Iterator[tuple[str, str]]:
    for record in run.tasks:
        name = record.step.task.task_id
        for place, code in enumerate(record.states):
            yield (name if record.length is None else f"{name}[{place}]"), WORDS[code]


# ---------------------------------------------------------------- facts about attempts


def started(attempt: Attempt, delivery: Delivery, at: int) -> AttemptStarted:
    return AttemptStarted(attempt=attempt, delivery=delivery, worker="w", started_at=at)


def about(attempt: Attempt, delivery: Delivery, at: int) -> dict[str, Any]:
    return {
        "attempt": attempt,
        "delivery": delivery,
        "worker": "w",
        "started_at": at - 5,
        "ended_at": at,
    }


def succeeded(
    attempt: Attempt, delivery: Delivery, at: int, xcoms: tuple[Xcom, ...] = ()
) -> AttemptSucceeded:
    return AttemptSucceeded(**about(attempt, delivery, at), xcoms=xcoms)


def failed(
    attempt: Attempt, delivery: Delivery, at: int, reason: str = "it broke", final: bool = False
) -> AttemptFailed:
    return AttemptFailed(**about(attempt, delivery, at), reason=reason, final=final)


def skipped(attempt: Attempt, delivery: Delivery, at: int) -> AttemptSkipped:
    return AttemptSkipped(**about(attempt, delivery, at), reason="not today")


# ---------------------------------------------------------------- comparing states


def fold(entries: Iterable[Entry], redeliveries: int = 3) -> tuple[State, list[list[Command]]]:
    state = State(redeliveries=redeliveries)
    return state, [advance(state, entry) for entry in entries]


def picture(thing: Any) -> Any:
    """Anything of the state as plain data, to be compared. Plans and steps go by their names."""
    match thing:
        case Plan():
            return thing.version
        case Step():
            return thing.task.task_id
        case State():
            return {name: picture(value) for name, value in vars(thing).items()}
        case RunState() | TaskRecord() | DagState() | Past():
            return {name: picture(getattr(thing, name)) for name in type(thing).__slots__}
        case dict():
            return {key: picture(value) for key, value in thing.items()}
        case list():
            return [picture(value) for value in thing]
        case bytearray():
            return bytes(thing)
    return thing
