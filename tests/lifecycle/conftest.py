"""How hard the properties are tried: `PENSTOCK_EXAMPLES=20 pytest tests/lifecycle` for 20 times.

Without it the examples are the same each time, so that a change is not blamed for an old bug; with
it they are new ones.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

TIMES = os.environ.get("PENSTOCK_EXAMPLES")

settings.register_profile(
    "penstock",
    max_examples=round(60 * float(TIMES or 1)),
    derandomize=TIMES is None,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("penstock")
