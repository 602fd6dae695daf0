"""`make airflow-conformance`: the same files by Airflow itself, in an environment of its own.

    python -m tests.conformance.against_airflow [--environment DIR]

1. An environment with Airflow is made (or used again: --environment).
2. Airflow runs the files of `dags/`; those that do not end as they say are run once more, alone:
   on a loaded machine tasks of Airflow fail of their own accord.
3. The examples that Airflow ships are run by Airflow and by a daemon of ours.

What was seen is written to `results.json`, which docs/generate.py draws
docs/airflow-compatibility.md from. Exit code 1: a file does not end in Airflow as it says.
It takes about twenty minutes and a network.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.conformance import examples
from tests.conformance.expectations import differences, subjects

AIRFLOW = ("apache-airflow==3.3.2", "apache-airflow-providers-standard")
HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
SECONDS = "1500"


def environment(folder: Path) -> Path:
    """Return the Python of an environment with Airflow in it, made if it is not there."""
    python = folder / "bin" / "python"
    if not (folder / "bin" / "airflow").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *AIRFLOW], check=True)
    return python


def by_airflow(python: Path, script: str, out: Path, *arguments: object) -> dict[str, Any]:
    """Run one of the scripts that are Airflow's side, and return what it wrote."""
    command = [python, HERE / script, out.with_suffix(""), out, *arguments]
    subprocess.run([str(part) for part in command], check=True)
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def own_files(python: Path, folder: Path) -> dict[str, list[str]]:
    """Return, for each file, what in Airflow was not as it says."""
    observed = by_airflow(python, "airflow_side.py", folder / "own.json", SECONDS)
    everything = {one.name: one for one in subjects()}
    again = [name for name, one in everything.items() if differences(one, observed[name])]
    if again:
        observed |= by_airflow(python, "airflow_side.py", folder / "again.json", SECONDS, *again)
    return {name: differences(one, observed[name]) for name, one in everything.items()}


def shipped(python: Path, folder: Path) -> tuple[list[dict[str, str]], str]:
    """Return the rows of the examples that Airflow ships, and what becomes of their names."""
    asked = "import airflow, pathlib; print(pathlib.Path(airflow.__file__).parent)"
    package = subprocess.run([python, "-c", asked], check=True, capture_output=True, text=True)
    dags = folder / "examples"
    examples.copy(Path(package.stdout.split()[-1]), dags)
    theirs = by_airflow(python, "airflow_examples.py", folder / "shipped.json", dags)
    home = folder / "penstock"
    home.mkdir()
    return examples.rows(home, dags, theirs), examples.names(dags)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--environment", type=Path, help="use, or make, this one and keep it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="penstock-airflow-") as temporary:
        folder = Path(temporary)
        python = environment(given.environment or folder / "environment")
        own = own_files(python, folder)
        rows, names = shipped(python, folder)
    write(own, rows, names)
    for name, lines in own.items():
        for line in lines:
            print(f"{name}: in Airflow {line}")
    return 1 if any(own.values()) else 0


def write(own: dict[str, list[str]], rows: list[dict[str, str]], names: str) -> None:
    results = {"own": own, "names": names, "examples": rows}
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
