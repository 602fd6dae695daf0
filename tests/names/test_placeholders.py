"""A name that Airflow has and Penstock lacks imports, and says so when it is used."""

from __future__ import annotations

import copy
import os
import pickle
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from penstock.airflow import finder, known, names
from penstock.airflow.judge import GONE, UNKNOWN, judge_name
from penstock.airflow.judge import LATER as LATER_STATE
from penstock.airflow.placeholder import NotServedError, Placeholder

LATER = "airflow.models.serialized_dag:SerializedDagModel"
"""A name of Airflow's inside: never to be served."""


@pytest.fixture(autouse=True)
def served() -> Iterator[None]:
    finder.install()
    yield
    finder.uninstall()


def imported(statement: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    exec(statement, found)
    return found


@pytest.fixture
def later() -> Any:
    module, _, name = LATER.partition(":")
    return imported(f"from {module} import {name}")[name]


def use_call(name: Any) -> None:
    name(1, two=2)


def use_statement(name: Any) -> None:
    exec("class Mine(name): ...", {"name": name})


def use_attribute(name: Any) -> None:
    name.objects  # noqa: B018


def use_loop(name: Any) -> None:
    list(name)


def use_path(name: Any) -> None:
    os.path.join(name, "below")


def use_text(name: Any) -> None:
    assert f"{name}/below"


@pytest.mark.parametrize(
    "use", [use_call, use_statement, use_attribute, use_loop, use_path, use_text]
)
def test_a_use_raises_its_sentence_with_the_author_s_line(use: Any, later: Any) -> None:
    with pytest.raises(NotServedError) as caught:
        use(later)
    said = str(caught.value)
    assert "the name 'SerializedDagModel' of 'airflow.models.serialized_dag'" in said
    assert "Instead: a DAG file has no database" in said
    assert caught.value.file != "<unknown>"


def test_as_a_type_hint_it_passes(later: Any) -> None:
    found = imported(
        "from typing import Optional\n"
        "from airflow.models.taskinstance import TaskInstance as T\n"
        "def f(ti: T, other: Optional[T], third: 'T | None', last: T | None, all: list[T],"
        " one: T[int]) -> T: ...\n"
    )
    assert found["f"].__annotations__
    assert not isinstance(1, later)
    assert not hasattr(later, "anything")


def test_it_can_be_copied_pickled_and_shown(later: Any) -> None:
    assert isinstance(copy.deepcopy(later), Placeholder)
    assert repr(pickle.loads(pickle.dumps(later))) == repr(later)
    assert "SerializedDagModel" in repr(later)


@pytest.mark.parametrize("module", sorted(known.KNOWN))
def test_every_name_of_airflow_s_imports_and_is_judged_as_it_is_found(module: str) -> None:
    listed = " ".join(sorted(known.KNOWN[module]))
    for name in listed.split():
        found = imported(f"from {module} import {name}")[name]
        told = judge_name(module, name).state
        if not isinstance(found, ModuleType):
            assert (told == LATER_STATE) == isinstance(found, Placeholder), (name, told)
        assert told not in (GONE, UNKNOWN)


def test_a_path_that_airflow_3_does_not_have_is_an_import_error() -> None:
    for path in ("airflow.utils.module_loading", "airflow.sdk.nothing", "airflow.www"):
        with pytest.raises(ImportError, match=path):
            imported(f"import {path}")
    with pytest.raises(ImportError, match="the name 'TaskInstance' of"):
        imported("from airflow.sdk.exceptions import TaskInstance")


def test_older_paths_lead_where_the_newer_ones_do() -> None:
    for old, home in names.ALIASES.items():
        if home in names.SERVED:
            assert names.SERVED[home].items() <= names.SERVED[old].items()
    found = imported(
        "from airflow.operators.python_operator import PythonOperator as a\n"
        "from airflow.providers.standard.operators.python import PythonOperator as b\n"
    )
    assert found["a"] is found["b"]
    assert names.newer("airflow.operators.python_operator", "PythonOperator") == (
        "airflow.providers.standard.operators.python.PythonOperator"
    )
    assert names.newer("airflow.models.baseoperator", "chain") == "airflow.sdk.chain"
    assert names.newer("airflow.sdk", "chain") is None


def test_a_missing_provider_is_an_import_error_that_says_how_to_install_it() -> None:
    with pytest.raises(ImportError, match="penstock providers install common-sql"):
        imported("from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator")


def test_a_star_brings_what_is_served() -> None:
    found = imported("from airflow.sdk import *")
    assert found["DAG"] is imported("from airflow import DAG")["DAG"]


def test_the_compatibility_provider_need_not_be_installed() -> None:
    found = imported(
        "from airflow.providers.common.compat.sdk import AirflowSkipException, TriggerRule\n"
        "from airflow.providers.common.compat.sdk import DecoratedOperator, conf, mask_secret"
    )
    assert found["TriggerRule"] is imported("from airflow.sdk import TriggerRule")["TriggerRule"]
