"""The work, as functions: what is measured is all that happens around them."""

from __future__ import annotations

from typing import Any

FRAME_BYTES = 10 * 1024 * 1024
FIB = 30
"""About 0.15 s of work."""


def nothing(value: Any = None) -> None:
    """Do no work. `value` is there to be waited for."""


def fib(n: int) -> int:
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def frame() -> Any:
    """Return a DataFrame of 10 MB: ten columns of floats, the same each time."""
    import numpy as np
    import pandas as pd

    rows = FRAME_BYTES // 10 // 8
    numbers = np.random.default_rng(0).random((rows, 10))
    return pd.DataFrame(numbers, columns=[f"x{place}" for place in range(10)])


def hand_on(data: Any) -> Any:
    """Return the DataFrame with one value changed, so that nobody can hand on a reference."""
    data = data.copy()
    data.iat[0, 0] += 1.0
    return data
