"""One task, then `n` that do nothing, then one. `--param n=10000` makes it wide."""

from __future__ import annotations

from penstock import DAG, Param, get_current_context, task


@task
def numbers() -> list[int]:
    return list(range(get_current_context()["params"]["n"]))


@task
def nothing(x: int) -> None:
    pass


@task
def end() -> None:
    pass


with DAG(
    "fan",
    schedule=None,
    params={"n": Param(1_000, type="integer", minimum=1)},
    max_active_tasks=100_000,
):
    nothing.expand(x=numbers()) >> end()
