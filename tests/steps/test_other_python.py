"""Functions in another Python: what goes there, what comes back, and in which words it fails."""

from __future__ import annotations

import json
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from authoring.world import World, run_one

from penstock import DAG, EmptyOperator, task
from penstock.authoring.errors import InvalidArgumentError
from penstock.authoring.exceptions import AirflowException, AirflowSkipException
from penstock.steps.other_python import (
    BranchExternalPythonOperator,
    ExternalPythonOperator,
    PythonVirtualenvOperator,
)
from penstock.steps.package_index import PackageIndexHook

HERE = {"python": sys.executable}


def ran(function: Any, *args: Any, **options: Any) -> World:
    """A function, called in this interpreter anew."""
    date = options.pop("date", None)
    with DAG("other", params={"depth": 3}) as dag:
        ExternalPythonOperator(
            task_id="f", python_callable=function, op_args=args, **{**HERE, **options}
        )
    return run_one(dag, "f", logical_date=date)


def double(x: int, *, plus: int = 0) -> list[Any]:
    import os

    print("working in another process")
    return [2 * x + plus, os.getpid()]


def test_arguments_go_there_and_the_result_comes_back(capfd: Any) -> None:
    import os

    value = ran(double, 4, op_kwargs={"plus": 3}).value("f")
    assert value[0] == 11
    assert value[1] != os.getpid()
    assert "working in another process" in capfd.readouterr().out


def test_nothing_returned_is_no_xcom() -> None:
    def nothing() -> None: ...

    assert not ran(nothing).has("f")


def test_what_it_raises_comes_back_with_the_authors_own_lines() -> None:
    def wrong(text: str) -> int:
        return int(text)

    with pytest.raises(AirflowException, match=r"^ValueError: invalid literal.*'seven'") as caught:
        ran(wrong, "seven")
    [note] = caught.value.__notes__
    assert f'File "{__file__}", line' in note
    assert "return int(text)" in note
    assert "in_other_python" not in note


def test_a_process_that_dies_is_said_to_have() -> None:
    def dies() -> None:
        import os
        import signal

        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(AirflowException, match="ended with signal 9"):
        ran(dies)


def test_exit_codes_may_mean_skipped() -> None:
    def leave() -> None:
        raise SystemExit(77)

    with pytest.raises(AirflowSkipException, match="code 77"):
        ran(leave, skip_on_exit_code=[77])
    with pytest.raises(AirflowException, match="exit code 77"):
        ran(leave)


def test_what_of_the_context_can_be_passed() -> None:
    def told(ds: Any, params: Any, logical_date: Any, **context: Any) -> list[Any]:
        return [ds, params, logical_date.year, type(logical_date).__module__, sorted(context)]

    date = datetime(2025, 1, 2, tzinfo=UTC)
    ds, params, year, module, more = ran(told, date=date).value("f")
    assert (ds, params, year, module) == ("2025-01-02", {"depth": 3}, 2025, "pendulum.datetime")
    assert {"run_id", "ts_nodash", "data_interval_start"} <= set(more)
    assert "ti" not in more


def test_what_cannot_be_passed_is_said_by_name() -> None:
    def asks(ti: Any) -> None: ...

    with pytest.raises(AirflowException, match="asks for 'ti', which another Python cannot"):
        ran(asks)

    def takes(x: Any) -> None: ...

    with pytest.raises(AirflowException, match=r"cannot be written by pickle.*'x' \(generator"):
        ran(takes, op_kwargs={"x": (n for n in [1])})


def test_string_args_and_environment(monkeypatch: Any) -> None:
    monkeypatch.setenv("OUTER", "outer")

    def looks() -> list[Any]:
        import os

        return [virtualenv_string_args, os.environ.get("OUTER"), os.environ.get("INNER")]  # type: ignore[name-defined] # noqa: F821

    more = {"string_args": ["a", 1], "env_vars": {"INNER": "inner"}}
    assert ran(looks, **more).value("f") == [["a", "1"], "outer", "inner"]
    assert ran(looks, **more, inherit_env=False).value("f") == [["a", "1"], None, "inner"]


def test_cloudpickle_returns_what_pickle_cannot() -> None:
    def make() -> Any:
        class Model:
            depth = 4

        return Model()

    assert ran(make, serializer="cloudpickle").value("f").depth == 4
    with pytest.raises(AirflowException, match=r"AttributeError|PicklingError"):
        ran(make)


def test_a_serializer_that_is_not_installed_is_said_to_be(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "dill", None)
    with pytest.raises(AirflowException, match="pip install dill"):
        ran(double, 1, serializer="dill")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"python_callable": lambda: 1}, "made by def"),
        ({"python_callable": print}, "made by def"),
        ({"serializer": "json"}, "pickle, cloudpickle, dill"),
        ({"python": ""}, "python is empty"),
    ],
)
def test_what_cannot_work_is_refused_while_the_file_is_read(
    options: dict[str, Any], words: str
) -> None:
    with DAG("refused"), pytest.raises(InvalidArgumentError, match=words):
        ExternalPythonOperator(**{"task_id": "f", "python_callable": double, **HERE, **options})


def test_generators_and_coroutines_are_refused() -> None:
    async def later() -> None: ...

    def several() -> Any:
        yield 1

    for function in (later, several):
        with DAG("refused"), pytest.raises(InvalidArgumentError, match="without yield or async"):
            PythonVirtualenvOperator(task_id="f", python_callable=function)


def test_an_interpreter_that_is_not_there() -> None:
    for python in ("python3", "/nowhere/python"):
        with pytest.raises(AirflowException, match="absolute path of an interpreter"):
            ran(double, 1, python=python)


def test_what_the_function_calls_itself_does_not_matter() -> None:
    def moment(called: Any) -> Any:
        return called

    assert ran(moment, 5).value("f") == 5


def test_decorated_functions_and_branches() -> None:
    @task.external_python(python=sys.executable)
    def add(x: int, y: int) -> int:
        return x + y

    @task.branch_external_python(python=sys.executable)
    def choose(way: str) -> str:
        return way

    with DAG("decorated") as dag:
        add.partial(y=1).expand(x=[1, 2])
        choose("b") >> [EmptyOperator(task_id="a"), EmptyOperator(task_id="b")]
        BranchExternalPythonOperator(task_id="c", python_callable=lambda_free, **HERE)
    assert run_one(dag, "add", 1).value("add", 1) == 3
    assert run_one(dag, "choose").left_out == ["a"]
    assert run_one(dag, "c").value("c") == []


def lambda_free() -> list[str]:
    return []


# ---------------------------------------------------------------- environments


@pytest.fixture
def wheels(tmp_path: Path) -> list[str]:
    """A folder with one package, `tiny` 1.5, and what pip is told about it."""
    name = "tiny-1.5.dist-info"
    with zipfile.ZipFile(tmp_path / "tiny-1.5-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", "ANSWER = 42\n")
        wheel.writestr(f"{name}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.5\n")
        wheel.writestr(
            f"{name}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{name}/RECORD", "")
    return ["--no-index", "--find-links", str(tmp_path)]


def in_environment(function: Any, **options: Any) -> World:
    with DAG("environment") as dag:
        PythonVirtualenvOperator(task_id="f", python_callable=function, **options)
    return run_one(dag, "f")


def answer() -> list[Any]:
    import sys

    import tiny  # type: ignore[import-not-found]

    return [tiny.ANSWER, sys.prefix]


def test_an_environment_is_made_with_its_requirements_and_removed(wheels: list[str]) -> None:
    found = in_environment(
        answer,
        requirements=["tiny==1.5  # the smallest"],
        system_site_packages=False,
        pip_install_options=wheels,
    ).value("f")
    assert found[0] == 42
    assert found[1] != sys.prefix
    assert not Path(found[1]).exists()


def test_a_kept_environment_is_used_again_unless_it_is_not_whole(
    wheels: list[str], tmp_path: Path, capfd: Any
) -> None:
    options = {
        "requirements": ["tiny"],
        "system_site_packages": False,
        "pip_install_options": wheels,
        "venv_cache_path": str(tmp_path / "kept"),
    }
    first = in_environment(answer, **options).value("f")
    capfd.readouterr()
    assert in_environment(answer, **options).value("f") == first
    assert f"Using the virtual environment in {first[1]}" in capfd.readouterr().out
    (Path(first[1]) / "whole").unlink()
    assert in_environment(answer, **options).value("f") == first
    assert "Successfully installed tiny" in capfd.readouterr().out


def test_without_system_packages_it_sees_none_and_with_them_those_beside_penstock() -> None:
    def looks() -> bool:
        import importlib.util

        return importlib.util.find_spec("pendulum") is not None

    assert in_environment(looks).value("f") is True
    assert in_environment(looks, system_site_packages=False).value("f") is False


def test_a_requirement_that_does_not_exist_is_one_sentence(wheels: list[str]) -> None:
    with pytest.raises(
        AirflowException,
        match=r"could not be made: No matching distribution found for nosuch==9\. Correct",
    ):
        in_environment(answer, requirements=["nosuch==9"], pip_install_options=wheels)


def test_requirements_may_be_a_template_file(wheels: list[str], tmp_path: Path) -> None:
    (tmp_path / "needs.txt").write_text("# what it takes\ntiny=={{ params.version }}\n")
    with DAG("file", params={"version": "1.5"}, template_searchpath=str(tmp_path)) as dag:
        PythonVirtualenvOperator(
            task_id="f",
            python_callable=answer,
            requirements="needs.txt",
            pip_install_options=wheels,
        )
    assert run_one(dag, "f").value("f")[0] == 42


def test_where_pip_looks_may_be_a_connection_and_is_written_nowhere(
    wheels: list[str], tmp_path: Path, monkeypatch: Any
) -> None:
    """The URL leads to a folder, laid out as an index is."""
    index = tmp_path / "index" / "tiny"
    index.mkdir(parents=True)
    wheel = tmp_path / "tiny-1.5-py3-none-any.whl"
    (index / "index.html").write_text(f'<a href="{wheel.as_uri()}">{wheel.name}</a>')
    monkeypatch.setenv("PENSTOCK_CONN_INNER", json.dumps({"host": index.parent.as_uri()}))
    kept = tmp_path / "kept"
    found = in_environment(
        answer,
        requirements=["tiny"],
        system_site_packages=False,
        index_urls_from_connection_ids="inner",
        venv_cache_path=str(kept),
    ).value("f")
    assert found[0] == 42
    texts = [file.read_bytes() for file in kept.glob("venv-*/*") if file.is_file()]
    assert texts
    assert not any(index.parent.as_uri().encode() in text for text in texts)


def test_a_connection_to_an_index_may_have_a_password(monkeypatch: Any) -> None:
    fields = {"host": "https://packages.example/simple", "login": "me", "password": "p@ss"}
    monkeypatch.setenv("PENSTOCK_CONN_INNER", json.dumps(fields))
    url = PackageIndexHook("inner").get_connection_url()
    assert url == "https://me:p%40ss@packages.example/simple"


def test_a_python_that_is_not_there() -> None:
    with pytest.raises(AirflowException, match=r"there is no python2.99 on this worker's PATH"):
        in_environment(answer, python_version="2.99")


def test_task_virtualenv() -> None:
    @task.virtualenv
    def where() -> str:
        import sys

        return sys.prefix

    with DAG("venv") as dag:
        where()
    assert run_one(dag, "where").value("where") != sys.prefix
