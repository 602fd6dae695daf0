"""Operators that call a function in another Python: in an environment of its own, or a given one.

The function's source is taken out of its file and run there by `in_other_python.py`; arguments and
result go by files, through a serializer. So the function imports what it needs itself, and knows
nothing of what stands around it in its file. What it prints is the task's log.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import shutil
import textwrap
from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from importlib import import_module
from typing import Any

from penstock.authoring.arguments import is_async_callable, signature_of
from penstock.authoring.calls import call_arguments
from penstock.authoring.context import Context
from penstock.authoring.decorators import Decorated
from penstock.authoring.errors import InvalidArgumentError
from penstock.authoring.exceptions import AirflowException, AirflowSkipException
from penstock.authoring.variables import Variable
from penstock.steps import in_other_python
from penstock.steps.bash import codes
from penstock.steps.branch import BaseBranchOperator
from penstock.steps.environment import Recipe, kept, make
from penstock.steps.package_index import PackageIndexHook
from penstock.steps.process import Command
from penstock.steps.python import PythonOperator

SERIALIZERS = ("pickle", "cloudpickle", "dill")

PASSED = frozenset(
    [
        "data_interval_end",
        "data_interval_start",
        "ds",
        "ds_nodash",
        "expanded_ti_count",
        "inlets",
        "logical_date",
        "outlets",
        "params",
        "partition_date",
        "partition_key",
        "prev_data_interval_end_success",
        "prev_data_interval_start_success",
        "prev_end_date_success",
        "prev_start_date_success",
        "run_id",
        "task_instance_key_str",
        "task_reschedule_count",
        "templates_dict",
        "test_mode",
        "ts",
        "ts_nodash",
        "ts_nodash_with_tz",
    ]
)
"""Context entries that another Python can be given. The others are objects of Penstock's."""


class _OtherPythonOperator(PythonOperator):
    """What the operators below share.

    serializer: `pickle`, or `cloudpickle` or `dill` where they are installed on both sides.
    string_args: texts that the function finds in the global `virtualenv_string_args`.
    skip_on_exit_code: exit codes that mean "skipped". env_vars: added to the environment;
    inherit_env False: instead of the worker's. expect_airflow has no effect.
    """

    def __init__(
        self,
        *,
        serializer: str | None = None,
        string_args: Iterable[str] | None = None,
        expect_airflow: bool = True,
        skip_on_exit_code: int | Container[int] | None = None,
        env_vars: dict[str, str] | None = None,
        inherit_env: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._check_function()
        self.serializer = serializer or "pickle"
        if self.serializer not in SERIALIZERS:
            raise InvalidArgumentError(
                f"task {self.task_id!r}: serializer must be one of {', '.join(SERIALIZERS)}, not "
                f"{serializer!r}.",
                self.place,
            )
        self.string_args = list(string_args or [])
        self.expect_airflow = expect_airflow
        self.skip_on_exit_code = codes(skip_on_exit_code)
        self.env_vars, self.inherit_env = env_vars, inherit_env
        self._command = Command()

    def _check_function(self) -> None:
        """Refuse what cannot be taken out of its file by its name."""
        function = self.python_callable
        what = None
        if not inspect.isfunction(function) or function.__name__ == "<lambda>":
            what = "a function made by def"
        elif inspect.isgeneratorfunction(function) or is_async_callable(function):
            what = "a plain function, without yield or async"
        if what is not None:
            raise InvalidArgumentError(
                f"task {self.task_id!r}: python_callable must be {what}, to be run in another "
                f"Python; this is {function!r}.",
                self.place,
            )

    @classmethod
    def runs_async(cls, arguments: dict[str, Any]) -> bool:
        return False

    def execute(self, context: Context) -> Any:
        context["templates_dict"] = self.templates_dict
        given = {name: value for name, value in context.items() if name in PASSED}
        self._check_names(context)
        args, kwargs = call_arguments(
            self.python_callable, list(self.op_args), self.op_kwargs, given
        )
        return self._told(self.call(args, kwargs))

    def _check_names(self, context: Context) -> None:
        for name, parameter in signature_of(self.python_callable).parameters.items():
            is_needed = parameter.default is parameter.empty
            if name in context and name not in PASSED and name not in self.op_kwargs and is_needed:
                raise AirflowException(
                    f"the function of task {self.task_id!r} asks for {name!r}, which another "
                    f"Python cannot be given; it may ask for {', '.join(sorted(PASSED))}. Pass "
                    "what it needs as an argument, '{{ ti.run_id }}' for instance."
                )

    def call(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Call the function in the other Python. Own operators say in which."""
        raise NotImplementedError

    def on_kill(self) -> None:
        self._command.end()

    def call_in(self, python: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Call the function in this interpreter. Raises AirflowException for what it raised."""
        import tempfile

        with tempfile.TemporaryDirectory(prefix="penstock-python-") as folder:
            self._write(folder, args, kwargs)
            script = os.path.join(folder, "in_other_python.py")
            shutil.copyfile(str(in_other_python.__file__), script)
            code, _ = self._command.run([python, script, folder], env=self._environment())
            if code in self.skip_on_exit_code:
                raise AirflowSkipException(f"Process exited with code {code}. Skipping.")
            if code != 0:
                raise self._error(os.path.join(folder, "error.json"), code)
            return self._read(os.path.join(folder, "result"))

    def _write(self, folder: str, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        source, line = source_of(self.python_callable)
        moments = {
            name: value.isoformat()
            for name, value in kwargs.items()
            if name in PASSED and name not in self.op_kwargs and isinstance(value, datetime)
        }
        call = {
            "name": self.python_callable.__name__,
            "file": inspect.getsourcefile(self.python_callable) or "<function>",
            "line": line,
            "serializer": self.serializer,
            "string_args": list(map(str, self.string_args)),
            "moments": moments,
        }
        plain = {name: value for name, value in kwargs.items() if name not in moments}
        for name, content in (("call.json", json.dumps(call)), ("source.py", source)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(content)
        with open(os.path.join(folder, "args"), "wb") as file:
            file.write(self._dumped(list(args), plain))

    def _dumped(self, args: list[Any], kwargs: dict[str, Any]) -> bytes:
        library = self._library()
        try:
            return bytes(library.dumps([args, kwargs], protocol=4))
        except Exception:
            wrong = []
            for name, value in [*enumerate(args), *kwargs.items()]:
                try:
                    library.dumps(value)
                except Exception as error:
                    wrong.append(f"{name!r} ({type(value).__name__}: {error})")
            raise AirflowException(
                f"arguments of task {self.task_id!r} cannot be written by {self.serializer} for "
                f"another Python: {', '.join(wrong)}. Pass plain values."
            ) from None

    def _library(self) -> Any:
        try:
            return import_module(self.serializer)
        except ImportError:
            raise AirflowException(
                f"task {self.task_id!r} has serializer={self.serializer!r}, which is not installed "
                f"beside Penstock on this worker: pip install {self.serializer}."
            ) from None

    def _read(self, result: str) -> Any:
        if not os.path.exists(result):
            return None
        with open(result, "rb") as file:
            try:
                return self._library().load(file)
            except Exception as error:
                raise AirflowException(
                    f"what task {self.task_id!r} returned in another Python cannot be read here: "
                    f"{type(error).__name__}: {error}. Return plain values."
                ) from error

    def _error(self, file: str, code: int) -> AirflowException:
        if not os.path.exists(file):
            signal = f"signal {-code}" if code < 0 else f"exit code {code}"
            return AirflowException(f"the other Python ended with {signal}")
        with open(file, encoding="utf-8") as said:
            told = json.load(said)
        error = AirflowException(f"{told['kind']}: {told['message']}")
        error.add_note(f"In the other Python:\n{told['traceback'].rstrip()}")
        return error

    def _environment(self) -> dict[str, str]:
        """Return the variables. What lies beside the DAG's file can be imported, as in a task."""
        found = {**(os.environ if self.inherit_env else {}), **(self.env_vars or {})}
        paths = [found.get("PYTHONPATH", ""), self.dag.folder]
        return {**found, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def source_of(function: Any) -> tuple[str, int]:
    """Return a function's source without decorators and indentation, and its first line's number.

    Raises AirflowException if its file cannot be read.
    """
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError) as error:
        raise AirflowException(f"the source of {function!r} cannot be read: {error}") from None
    text = textwrap.dedent("".join(lines))
    offset = ast.parse(text).body[0].lineno - 1
    return "".join(text.splitlines(keepends=True)[offset:]), first + offset


class PythonVirtualenvOperator(_OtherPythonOperator):
    """Calls a function in a virtual environment made for it.

    requirements: lines for pip, or the name of a requirements file (`.txt`, a template).
    python_version: `"3.12"`; None: the worker's. system_site_packages False: it does not see what
    is installed beside Penstock. venv_cache_path: a folder in which environments are kept, to be
    used again; None: made for each try. index_urls: where pip looks, and, as connections of type
    `package_index`, index_urls_from_connection_ids. pip_install_options: for pip.

    `PythonVirtualenvOperator(task_id="old", python_callable=f, requirements=["pandas<2"])`.
    """

    template_fields: Sequence[str] = (
        "requirements",
        "index_urls",
        "index_urls_from_connection_ids",
        "venv_cache_path",
        *PythonOperator.template_fields,
    )
    template_ext: Sequence[str] = (".txt",)

    def __init__(
        self,
        *,
        requirements: str | Iterable[str] | None = None,
        python_version: str | None = None,
        system_site_packages: bool = True,
        pip_install_options: list[str] | None = None,
        index_urls: str | Iterable[str] | None = None,
        index_urls_from_connection_ids: str | Iterable[str] | None = None,
        venv_cache_path: str | os.PathLike[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if python_version is not None and not isinstance(python_version, str):
            raise InvalidArgumentError(
                f"task {self.task_id!r}: python_version must be text, such as '3.12', not "
                f"{python_version!r}.",
                self.place,
            )
        self.requirements = _listed(requirements) or []
        self.python_version = python_version
        self.system_site_packages = system_site_packages
        self.pip_install_options = pip_install_options
        self.index_urls = _listed(index_urls)
        self.index_urls_from_connection_ids = _listed(index_urls_from_connection_ids)
        self.venv_cache_path = None if venv_cache_path is None else os.fspath(venv_cache_path)

    def call(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        if self.venv_cache_path:
            return self.call_in(
                kept(self._recipe(), self.venv_cache_path, self._command), args, kwargs
            )
        import tempfile

        with tempfile.TemporaryDirectory(prefix="penstock-venv-") as folder:
            return self.call_in(make(self._recipe(), folder, self._command), args, kwargs)

    def _recipe(self) -> Recipe:
        lines = [line for each in self.requirements for line in str(each).splitlines()]
        needs = self.serializer not in ("pickle", *lines) and not self.system_site_packages
        key = ""
        if self.venv_cache_path:
            key = Variable.get("python_virtualenv_operator_cache_key", default="")
        return Recipe(
            requirements=tuple(sorted([*lines, *[self.serializer] * needs])),
            python_version=self.python_version,
            system_site_packages=self.system_site_packages,
            pip_install_options=tuple(self.pip_install_options or ()),
            index_urls=self._urls(),
            cache_key=key,
        )

    def _urls(self) -> tuple[str, ...] | None:
        kept = self.index_urls_from_connection_ids or ()
        found = [PackageIndexHook(conn_id).get_connection_url() for conn_id in kept]
        if self.index_urls is None and not found:
            return None
        return (*(self.index_urls or ()), *found)


def _listed(value: str | Iterable[str] | None) -> list[str] | None:
    if value is None:
        return None
    return [value] if isinstance(value, str) else list(value)


class ExternalPythonOperator(_OtherPythonOperator):
    """Calls a function in an interpreter that is there already.

    python: its absolute path (a template). expect_pendulum has no effect.
    `ExternalPythonOperator(task_id="old", python="/opt/old/bin/python", python_callable=f)`.
    """

    template_fields: Sequence[str] = ("python", *PythonOperator.template_fields)

    def __init__(self, *, python: str, expect_pendulum: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not python:
            raise InvalidArgumentError(f"task {self.task_id!r}: python is empty.", self.place)
        self.python, self.expect_pendulum = os.fspath(python), expect_pendulum

    def call(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        if not os.path.isabs(self.python) or not os.path.isfile(self.python):
            raise AirflowException(
                f"task {self.task_id!r}: python must be the absolute path of an interpreter on "
                f"this worker; {self.python!r} is none."
            )
        return self.call_in(self.python, args, kwargs)


class BranchPythonVirtualenvOperator(BaseBranchOperator, PythonVirtualenvOperator):
    """As BranchPythonOperator, the function called in a virtual environment made for it.

    `BranchPythonVirtualenvOperator(task_id="way", python_callable=f, requirements=["tiny"])`.
    """

    def choose_branch(self, context: Context) -> Any:
        return PythonVirtualenvOperator.execute(self, context)


class BranchExternalPythonOperator(BaseBranchOperator, ExternalPythonOperator):
    """As BranchPythonOperator, the function called in another interpreter.

    `BranchExternalPythonOperator(task_id="way", python_callable=f, python="/opt/old/bin/python")`.
    """

    def choose_branch(self, context: Context) -> Any:
        return ExternalPythonOperator.execute(self, context)


class VirtualenvTask(Decorated, PythonVirtualenvOperator):
    custom_operator_name = "@task.virtualenv"


class ExternalTask(Decorated, ExternalPythonOperator):
    custom_operator_name = "@task.external_python"


class BranchVirtualenvTask(Decorated, BranchPythonVirtualenvOperator):
    custom_operator_name = "@task.branch_virtualenv"


class BranchExternalTask(Decorated, BranchExternalPythonOperator):
    custom_operator_name = "@task.branch_external_python"
