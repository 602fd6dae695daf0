"""A DAG file is read elsewhere, and whatever it does, an answer comes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from worker_play import vanishes

from penstock.coordinator.parsing import parse_file


@pytest.fixture
def dag_file(tmp_path: Path) -> Path:
    return tmp_path / "my_dag.py"


async def test_what_a_file_prints_does_not_disturb_its_dags(dag_file: Path) -> None:
    dag_file.write_text(
        "import os\n"
        "from penstock import DAG\n"
        "print('hello'); os.write(1, b'raw')\n"
        "with DAG('mine'):\n    pass\n"
    )
    parsed = await parse_file(str(dag_file))
    assert parsed.error is None
    assert [dag.dag_id for dag in parsed.dags] == ["mine"]


async def test_an_endless_import_is_given_up(dag_file: Path, tmp_path: Path) -> None:
    said = tmp_path / "said"
    dag_file.write_text(
        f"import os\nopen({str(said)!r}, 'w').write(str(os.getpid()))\nwhile True: pass\n"
    )
    parsed = await parse_file(str(dag_file), timeout=3.0)
    assert parsed.error is not None
    assert "took longer than 3 s" in parsed.error.message
    assert parsed.error.file == str(dag_file)
    await vanishes(int(said.read_text()))


async def test_a_syntax_error_has_its_line(dag_file: Path) -> None:
    dag_file.write_text("x = 1\ndef broken(:\n")
    parsed = await parse_file(str(dag_file))
    assert parsed.error is not None
    assert parsed.error.line == 2


async def test_a_file_that_kills_its_process_is_an_error(dag_file: Path) -> None:
    dag_file.write_text("import os\nos._exit(9)\n")
    parsed = await parse_file(str(dag_file))
    assert parsed.error is not None
    assert "status 9" in parsed.error.message


async def test_the_environment_is_untouched(dag_file: Path) -> None:
    before = dict(os.environ)
    dag_file.write_text("import os\nos.environ['X_FROM_DAG'] = '1'\n")
    await parse_file(str(dag_file))
    assert dict(os.environ) == before
