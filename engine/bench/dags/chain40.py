"""Forty tasks that do nothing, one after the other: forty hops."""

from __future__ import annotations

from penstock import DAG, task


@task
def nothing() -> None:
    pass


with DAG("chain40", schedule=None):
    previous = None
    for number in range(40):
        here = nothing.override(task_id=f"hop_{number:02}")()
        if previous is not None:
            previous >> here
        previous = here
