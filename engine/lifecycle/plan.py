"""A serialized DAG made ready for the fold: neighbours by number, leaves, what is mapped over what.

Made once for each version and shared by all its runs; never changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Raw

from penstock.authoring.serialized import SerializedDag, SerializedTask, load
from penstock.lifecycle.rules import RULES, Rule


class Step:
    """One task of a plan. number: its place in topological order; neighbours are such numbers."""

    __slots__ = (
        "callbacks",
        "downstream",
        "feeds",
        "is_leaf",
        "number",
        "rule",
        "setups",
        "task",
        "upstream",
    )

    def __init__(self, number: int, task: SerializedTask, upstream: tuple[int, ...]) -> None:
        self.number = number
        self.task = task
        self.rule: Rule = RULES[task.trigger_rule]
        self.upstream = upstream
        self.downstream: list[int] = []
        self.setups: frozenset[int] = frozenset()
        self.feeds: set[str] = set()  # keys of its XComs that some task is mapped over
        self.is_leaf = False
        self.callbacks = frozenset(task.callbacks)


class Source(NamedTuple):
    """An XCom that a task is mapped over."""

    task: str
    key: str


def sources(task: SerializedTask) -> Iterator[Source]:
    """Yield every XCom whose length decides into how many instances the task expands."""
    for over in task.mapped:
        for source in over.sources():
            assert source.task is not None
            yield Source(source.task, source.key)


def counts(step: Step) -> bool:
    """Whether a run's fate may hang on this task."""
    return not step.task.is_teardown or step.task.on_failure_fail_dagrun


class Plan:
    """A version of a DAG. Raises KeyError for an upstream or a rule that does not exist."""

    def __init__(self, version: str, dag: SerializedDag) -> None:
        self.version = version
        self.dag = dag
        self.numbers = {task.task_id: number for number, task in enumerate(dag.tasks)}
        self.steps = [
            Step(number, task, tuple(self.numbers[up] for up in task.upstream))
            for number, task in enumerate(dag.tasks)
        ]
        for step in self.steps:
            step.setups = frozenset(up for up in step.upstream if dag.tasks[up].is_setup)
            for up in step.upstream:
                self.steps[up].downstream.append(step.number)
            for over in sources(step.task):
                self.steps[self.numbers[over.task]].feeds.add(over.key)
        for step in self.steps:
            # What stands right above a teardown decides a run's fate, unless that says it does.
            step.is_leaf = counts(step) and not any(
                counts(self.steps[down]) for down in step.downstream
            )
        self.asks_past = any(task.depends_on_past for task in dag.tasks)

    def step(self, task_id: str) -> Step | None:
        number = self.numbers.get(task_id)
        return None if number is None else self.steps[number]


def plan_of(version: str, text: Raw | bytes) -> Plan:
    """Return the plan of a serialized DAG. Raises msgspec.ValidationError, KeyError."""
    return Plan(version, load(text))
