"""A DataFrame of 10 MB that is handed on five times, changed a little each time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from penstock import DAG, task

ROWS = 10 * 1024 * 1024 // 10 // 8


@task
def make() -> pd.DataFrame:
    numbers = np.random.default_rng(0).random((ROWS, 10))
    return pd.DataFrame(numbers, columns=[f"x{place}" for place in range(10)])


@task
def hand_on(data: pd.DataFrame) -> pd.DataFrame:
    data = data.copy()
    data.iat[0, 0] += 1.0
    return data


with DAG("frames", schedule=None):
    data = make()
    for number in range(1, 6):
        data = hand_on.override(task_id=f"hand_on_{number}")(data)
