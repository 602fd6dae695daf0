"""A DAG that needs what is not installed: where it says so, it says what to install."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest

from penstock.worker.child import reason_of
from penstock.worker.dagfile import parse
from penstock.worker.missing import advice


def missing(name: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.mark.parametrize("name", ["pandas", "sklearn.ensemble", "pyarrow.parquet", "joblib"])
def test_what_the_extra_brings_is_the_extra_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, name.partition(".")[0], raising=False)
    assert advice(missing(name)).endswith('pip install "penstock[ml]"')


def test_a_file_that_imports_what_is_not_there_says_where_to_install_it(tmp_path: Path) -> None:
    file = tmp_path / "needs.py"
    file.write_text("import os\nimport nowhere_to_be_found.at_all\n")
    error = json.loads(parse(str(file)))["error"]
    assert (error["file"], error["line"]) == (str(file), 2)
    assert error["message"].startswith("ModuleNotFoundError: No module named 'nowhere_to_be_found'")
    assert "-m pip install" in error["message"]
    assert "nowhere_to_be_found.py beside the DAG file" in error["message"]


def test_a_task_that_imports_late_says_it_as_its_reason() -> None:
    with pytest.raises(ModuleNotFoundError) as raised:
        importlib.import_module("nowhere_to_be_found")
    assert "-m pip install" in reason_of(raised.value)


def test_a_part_that_is_missing_in_what_is_there_is_nobody_s_to_install() -> None:
    assert advice(missing("json.nothing")) == ""
    assert advice(missing("airflow.sensors")) == ""
    assert advice(ValueError("no")) == ""
