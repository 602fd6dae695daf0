"""What to install for a module that is not there: the end of the sentence that says it is missing.

A name to import and the name to install differ often enough (`sklearn`, `cv2`) that only what is
known is named; of the rest it is said where Penstock's own environment is.
"""

from __future__ import annotations

import sys

ML = frozenset(
    ["joblib", "matplotlib", "numpy", "pandas", "pyarrow", "scipy", "sklearn", "threadpoolctl"]
)
"""Modules that the extra `ml` brings."""


def advice(error: BaseException) -> str:
    """Return what to do about a module that is not installed, with a blank before it; else ""."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    top = error.name.partition(".")[0]
    if top in ("airflow", "penstock") or top in sys.stdlib_module_names or top in sys.modules:
        return ""  # what is missing is a part of something that is there
    if top in ML:
        return '. Install it where Penstock is: pip install "penstock[ml]"'
    return (
        f". Install what brings it beside Penstock ({sys.executable} -m pip install ...), or put "
        f"{top}.py beside the DAG file"
    )
