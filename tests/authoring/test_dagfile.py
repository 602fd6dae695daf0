"""Reading DAG files: what is found in them, and what is said of broken ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from authoring.world import load_text, run_dag, write
from penstock.authoring.errors import DuplicateDagError
from penstock.authoring.serialized import FileError, ParsedFile, load_parsed
from penstock.worker import dagfile


def parsed(tmp_path: Path, text: str) -> ParsedFile:
    return load_parsed(dagfile.parse(write(tmp_path, text)))


def error_of(tmp_path: Path, text: str) -> FileError:
    found = parsed(tmp_path, text)
    assert found.dags == ()
    assert found.error is not None
    return found.error


def test_dags_are_found_however_they_were_made(tmp_path: Path) -> None:
    found = load_text(
        tmp_path,
        """
        from penstock import DAG, dag, task, EmptyOperator

        def factory(name):
            with DAG(name):
                EmptyOperator(task_id="a")

        factory("opened")
        standing = DAG("standing")

        @dag
        def called():
            EmptyOperator(task_id="a")

        called()

        @dag
        def uncalled():
            EmptyOperator(task_id="a")

        with DAG("unregistered", auto_register=False):
            pass
        """,
    )
    assert sorted(found) == ["called", "opened", "standing", "unregistered"][:3]


def test_a_file_imports_what_lies_beside_it_also_inside_of_tasks(tmp_path: Path) -> None:
    (tmp_path / "beside_it.py").write_text("VALUE = 3\n")
    (tmp_path / "later_on.py").write_text("VALUE = 4\n")
    dag = load_text(
        tmp_path,
        """
        from penstock import DAG, task
        from beside_it import VALUE

        @task
        def f():
            import later_on
            return VALUE + later_on.VALUE

        with DAG("d"):
            f()
        """,
    )["d"]
    assert run_dag(dag).value("f") == 7


def test_a_changed_module_beside_the_file_is_read_again(tmp_path: Path) -> None:
    text = """
        from penstock import DAG
        from changing import NAME
        dag = DAG(NAME)
        """
    (tmp_path / "changing.py").write_text("NAME = 'before'\n")
    assert list(load_text(tmp_path, text)) == ["before"]
    (tmp_path / "changing.py").write_text("NAME = 'afterwards'\n")
    assert list(load_text(tmp_path, text)) == ["afterwards"]


def test_two_dags_of_one_id_are_refused(tmp_path: Path) -> None:
    text = 'from penstock import DAG\na = DAG("d")\nb = DAG("d")\n'
    with pytest.raises(DuplicateDagError, match=r"my_dag.py:3: .*two DAGs 'd'.*my_dag.py:2"):
        load_text(tmp_path, text)
    assert error_of(tmp_path, text).line == 3


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("x = 1\nif x\n", 2, "SyntaxError: expected ':'"),
        ("x = 1\n\n1 / 0\n", 3, "ZeroDivisionError: division by zero"),
        ("import absent_module\n", 1, "ModuleNotFoundError: No module named 'absent_module'"),
        ("def f():\n    raise KeyError('k')\nf()\n", 2, "KeyError: 'k'"),
        ("import sys\nsys.exit(3)\n", 2, "ended the process (exit code 3)"),
        (
            "from penstock import *\nwith DAG('d'):\n    EmptyOperator(task_id='a', poool='x')\n",
            3,
            "EmptyOperator 'a' does not know the argument 'poool'. Did you mean 'pool'?",
        ),
        (
            "from penstock import *\nwith DAG('d'):\n    a = EmptyOperator(task_id='a')\n"
            "    b = EmptyOperator(task_id='b')\n    a >> b >> a\n",
            3,
            "DAG 'd' has a cycle: a >> b >> a.",
        ),
        (
            "from penstock import *\nwith DAG('d'):\n    EmptyOperator(task_id='a')\n"
            "    EmptyOperator(task_id='a')\n",
            4,
            "already has a task 'a'",
        ),
        (
            "from airflow.operators.subdag import SubDagOperator\n",
            1,
            "does not serve the module 'airflow.operators.subdag'. Instead: use a TaskGroup",
        ),
        ("from airflow.sdk import DAG, Nonsense\n", 1, "does not serve the name 'Nonsense'"),
    ],
)
def test_a_broken_file_is_explained_with_its_line(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    error = error_of(tmp_path, text)
    assert words in error.message
    assert (error.file, error.line) == (str(tmp_path / "my_dag.py"), line)


def test_an_error_in_a_module_beside_the_file_is_shown_there(tmp_path: Path) -> None:
    (tmp_path / "broken_beside.py").write_text("x = 1\nraise ValueError('here')\n")
    error = error_of(tmp_path, "import broken_beside\n")
    assert (Path(error.file).name, error.line) == ("broken_beside.py", 2)
    assert "ValueError: here" in error.message


def test_an_unreadable_file_is_an_error_too(tmp_path: Path) -> None:
    (tmp_path / "my_dag.py").write_bytes(b"x = '\xff'\n")
    for file, words in [("my_dag.py", "utf-8"), ("absent.py", "there is no such file")]:
        found = load_parsed(dagfile.parse(str(tmp_path / file)))
        assert found.error is not None
        assert words in found.error.message


def test_a_file_without_dags_is_no_error(tmp_path: Path) -> None:
    found = parsed(tmp_path, "x = 1\n")
    assert (found.dags, found.error) == ((), None)


def test_nothing_is_written_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "unwritten.py").write_text("")
    parsed(tmp_path, "import unwritten\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my_dag.py", "unwritten.py"]


def test_modules_are_the_installed_ones_that_the_authors_own_files_import(tmp_path: Path) -> None:
    (tmp_path / "own_part.py").write_text("import pendulum.parsing\nimport email.mime\n")
    file = write(
        tmp_path,
        """
        import json
        import own_part
        from jsonschema import exceptions
        from penstock import DAG, task

        @task
        def f():
            import pytest

        with DAG("d"):
            f()
        """,
    )
    # In a process of its own: here most of these are loaded already.
    code = (
        "import sys; from penstock.worker import dagfile; "
        "print(dagfile.parse(sys.argv[1]).decode())"
    )
    out = subprocess.run([sys.executable, "-c", code, file], capture_output=True, check=True)
    found = load_parsed(out.stdout)
    assert found.modules == ("jsonschema", "jsonschema.exceptions", "pendulum.parsing")
    assert found.dags[0].modules == found.modules


def test_the_shipped_workloads_are_readable() -> None:
    for file in sorted((Path(__file__).parents[2] / "engine" / "bench" / "dags").glob("*.py")):
        if file.stem not in ("__init__", "frames"):  # frames needs pandas
            found = load_parsed(dagfile.parse(str(file)))
            assert found.error is None, found.error
            assert found.dags, file


def test_importing_penstock_costs_nothing() -> None:
    code = (
        "import sys; before = set(sys.modules); import penstock; "
        "print(sorted(m for m in set(sys.modules) - before if m != '__future__'))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert out.stdout.strip() == "['penstock']"


def test_the_public_face_has_every_name_that_it_lists() -> None:
    import penstock

    for name in penstock.__all__:
        assert getattr(penstock, name) is not None, name
    assert set(penstock.__all__) <= set(dir(penstock))
    with pytest.raises(AttributeError, match="nonsense"):
        penstock.nonsense  # noqa: B018
