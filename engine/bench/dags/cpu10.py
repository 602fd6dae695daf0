"""Ten tasks that keep a core busy, side by side."""

from __future__ import annotations

from penstock import DAG, task


def fib(n: int) -> int:
    return n if n < 2 else fib(n - 1) + fib(n - 2)


@task
def compute(n: int) -> int:
    return fib(n)


with DAG("cpu10", schedule=None):
    compute.expand(n=[30] * 10)
