"""What would become of a name of Airflow's here, told without importing anything of Airflow's.

The same tables that the finder serves from are asked, so that `penstock dags check` and an import
never disagree.
"""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from penstock.airflow import known, names
from penstock.airflow.refusals import CAVEATS, reason
from penstock.authoring.decorators import KINDS, task
from penstock.authoring.provided import TASK_KINDS

SERVED, OLD, INSTALL = "served", "old name", "not installed"
LATER, GONE, UNKNOWN = "not yet", "gone", "unknown"
STATES = (SERVED, OLD, INSTALL, LATER, GONE, UNKNOWN)
"""From what works to what does not: works; works, there is a newer path; a provider package is to
be installed; imports and refuses to be used; an older Airflow's, which 3.3 does not import either;
nobody's.
"""

WORKING = frozenset({SERVED, OLD})


class Verdict(NamedTuple):
    """state: one of STATES. instead: what to write, or to do; "" if nothing."""

    state: str
    instead: str = ""


def judge_module(module: str) -> Verdict:
    """Say what `import module` would come to."""
    if _is_provider(module):
        return _provider(module)
    if module in names.PACKAGES:
        return Verdict(SERVED)
    if is_module(module):
        return Verdict(LATER, reason(module) or "")
    said = reason(module)
    return Verdict(GONE, said) if said else Verdict(UNKNOWN)


def judge_name(module: str, name: str) -> Verdict:
    """Say what the use of a module's name would come to."""
    if name in names.SERVED.get(module, ()):
        caveat = CAVEATS.get(names.SERVED[module][name], "")
        if newer := names.newer(module, name):
            return Verdict(OLD, "; ".join(filter(None, [f"today's path is {newer}", caveat])))
        return Verdict(SERVED, caveat)
    if is_module(f"{module}.{name}"):
        return judge_module(f"{module}.{name}")
    if module == "airflow.providers" or module in known.FAMILY_PACKAGES:
        return _provider(f"{module}.{name}")
    if _is_provider(module):
        return _provider(module)
    if not is_module(module):
        return judge_module(module)
    state = LATER if known.exists(module, name) else UNKNOWN
    return Verdict(state, reason(f"{module}.{name}") or "")


def judge_kind(kind: str) -> Verdict:
    """Say what `@task.kind` would come to."""
    if kind in KINDS or hasattr(type(task), kind):
        return Verdict(SERVED)
    if provider := TASK_KINDS.get(kind):
        return _provider(f"airflow.providers.{provider.replace('-', '.')}")
    return Verdict(LATER) if kind == "stub" else Verdict(UNKNOWN, "or a provider's own kind")


def is_module(path: str) -> bool:
    """Whether a dotted path is a module of Airflow's, or of a provider that is installed."""
    if path in names.PACKAGES or path in known.PACKAGES:
        return True
    above, _, name = path.rpartition(".")
    if known.is_open(above):
        return name.islower()  # nothing is listed there: classes are known by their spelling
    return _is_provider(path) and _installed(path)


def _is_provider(module: str) -> bool:
    """Whether a module is a provider's own: not served, not of the standard provider's table."""
    if module in names.PACKAGES or module in known.PACKAGES:
        return False
    if module.startswith("airflow.providers.standard"):
        return _installed(module)  # Penstock stands for it: what is in no table is nobody's
    return module.startswith("airflow.providers.")


def _provider(module: str) -> Verdict:
    if _installed(module):
        return Verdict(SERVED, "by the installed provider; see: penstock providers check")
    return Verdict(INSTALL, reason(module) or "")


def _installed(module: str) -> bool:
    inside = os.path.join(*module.split("."))
    places = [os.path.join(entry or os.curdir, inside) for entry in sys.path]
    return any(os.path.isfile(f"{place}.py") or os.path.isdir(place) for place in places)
