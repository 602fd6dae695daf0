"""Airflow's import names: each is served, and what is not served says so by its own name."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.airflow import finder
from penstock.airflow.names import SERVED
from penstock.airflow.refusals import INSTEAD, REASONS


@pytest.fixture(autouse=True)
def served() -> Iterator[None]:
    finder.install()
    yield
    finder.uninstall()


@pytest.mark.parametrize("module", sorted(SERVED))
def test_every_name_of_the_table_is_there(module: str) -> None:
    found = importlib.import_module(module)
    for name in SERVED[module]:
        assert getattr(found, name) is not None
        assert name in dir(found)


def test_names_are_the_same_objects_wherever_they_come_from() -> None:
    import penstock

    code = """
from airflow import DAG as a
from airflow.sdk import DAG as b, task, chain, Param, timezone
from airflow.models.dag import DAG as c
from airflow.operators import bash, python
import airflow.operators.empty as e
import airflow.utils.dates
from airflow.operators.dummy import DummyOperator
"""
    names: dict[str, object] = {}
    exec(code, names)
    assert names["a"] is names["b"] is names["c"] is penstock.DAG
    assert names["bash"].BashOperator is penstock.BashOperator  # type: ignore[attr-defined]
    assert names["e"].EmptyOperator is names["DummyOperator"]  # type: ignore[attr-defined]
    assert names["timezone"].utcnow().tzinfo is not None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("from airflow.sdk import Nope", "does not serve the name 'Nope' of 'airflow.sdk'."),
        ("import airflow.nope", "does not serve the module 'airflow.nope'."),
        ("import airflow.nope.deep", "It is not built yet, or not meant to be; docs/airflow.md"),
        ("from airflow.providers.amazon import x", "'airflow.providers.amazon'"),
        ("from airflow.providers import amazon", "'amazon' of 'airflow.providers'"),
    ],
)
def test_what_is_not_served_says_so_and_what_to_do(statement: str, sentence: str) -> None:
    with pytest.raises(ImportError) as caught:
        exec(statement)
    assert sentence in str(caught.value)


def test_nothing_is_both_served_and_refused() -> None:
    served = {f"{module}.{name}" for module, names in SERVED.items() for name in names}
    assert not INSTEAD.keys() & served
    assert len(INSTEAD) == sum(map(len, REASONS.values()))


def test_asking_whether_a_name_is_there_is_no_error() -> None:
    import airflow.sdk  # type: ignore[import-not-found,import-untyped,unused-ignore]

    assert not hasattr(airflow.sdk, "Nope")
    with pytest.raises(AttributeError, match="does not serve the name 'Nope'"):
        airflow.sdk.Nope  # noqa: B018


def test_compatibility_imports_of_dag_files_fall_through() -> None:
    names: dict[str, object] = {}
    exec(
        "try:\n    from airflow.nope import DAG\n"
        "except ImportError:\n    from airflow.sdk import DAG\n",
        names,
    )
    assert names["DAG"]


def test_an_installed_airflow_does_not_clash_and_its_providers_are_found(tmp_path: Path) -> None:
    real = tmp_path / "airflow"
    (real / "providers" / "acme" / "operators").mkdir(parents=True)
    (real / "__init__.py").write_text("REAL = True\n")
    (real / "sdk.py").write_text("REAL = True\n")
    (real / "providers" / "acme" / "operators" / "run.py").write_text(
        "from airflow.sdk import BaseOperator\nclass RunOperator(BaseOperator): ...\n"
    )
    code = """
import sys
sys.path.insert(0, sys.argv[1])
import airflow, airflow.sdk
assert airflow.REAL and airflow.sdk.REAL
from penstock.airflow import finder
finder.install()
from airflow.sdk import DAG
from airflow.providers.acme.operators.run import RunOperator
from airflow.providers.standard.operators.bash import BashOperator
import penstock
assert DAG is penstock.DAG and BashOperator is penstock.BashOperator
assert issubclass(RunOperator, penstock.BaseOperator)
finder.uninstall()
assert sys.modules["airflow"] is airflow
import airflow.sdk
assert airflow.sdk.REAL
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


def test_without_the_finder_there_is_no_airflow() -> None:
    finder.uninstall()
    if importlib.util.find_spec("airflow") is None:
        with pytest.raises(ModuleNotFoundError, match="No module named 'airflow'"):
            importlib.import_module("airflow")
