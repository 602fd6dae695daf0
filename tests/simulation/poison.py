"""User code that is poison to a coordinator: whoever loads or unpickles it is found out (law 11).

All DAGs of all stories say that `POISONED_DAG` defines them, and each XCom is a pickle that tells
when it is opened. Nothing in a story but a coordinator could do either.
"""

from __future__ import annotations

import base64
import pickle
from collections.abc import Callable
from pathlib import Path

POISONED_DAG = str(Path(__file__).with_name("poisoned_dag.py"))

swallowed: list[str] = []


def swallow(what: str) -> None:
    swallowed.append(what)


class Poison:
    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return swallow, ("an XCom was unpickled",)


PICKLED = base64.b64encode(pickle.dumps(Poison())).decode()
