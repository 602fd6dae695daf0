"""`python -m penstock.testing my_dag.py`: as `python my_dag.py`, with Airflow's names served.

For files that import from `airflow` and end in `dag.test()`, and for debuggers that start a module.
"""

from __future__ import annotations

import os
import runpy
import sys

from penstock.airflow import finder


def main(arguments: list[str]) -> None:
    if not arguments:
        sys.exit("usage: python -m penstock.testing DAG_FILE [ARGUMENT...]")
    file = os.path.abspath(arguments[0])
    if not os.path.isfile(file):
        sys.exit(f"{arguments[0]}: there is no such file.")
    finder.install()
    sys.argv = arguments
    sys.path[0:1] = [os.path.dirname(file)]
    runpy.run_path(file, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
