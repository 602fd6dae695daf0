"""One task that does nothing: what a run costs before there is any work."""

from __future__ import annotations

from penstock import DAG, task


@task
def nothing() -> None:
    pass


with DAG("one", schedule=None):
    nothing()
