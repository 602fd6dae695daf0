"""Reads DAG files without running them: which of Airflow's names each uses, and what becomes of it.

By the syntax tree alone: imports, the attributes of imported modules, and the kinds of `@task`.
What stands under `if TYPE_CHECKING`, and the side of a `try ... except ImportError` that would not
be taken here, is listed as such and counts for nothing.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from penstock.airflow import names
from penstock.airflow.judge import (
    LATER,
    WORKING,
    Verdict,
    is_module,
    judge_kind,
    judge_module,
    judge_name,
)
from penstock.errors import UsageError

_TASK = names.SERVED["airflow.sdk"]["task"]


class Use(Struct, frozen=True, order=True):
    """One name at one line. runs: false where the line is never reached, or only by a checker."""

    line: int
    name: str
    state: str
    instead: str = ""
    runs: bool = True

    @property
    def works(self) -> bool:
        return self.state in WORKING or not self.runs


class FileReport(Struct, frozen=True):
    """What one file uses. error: why it could not be read, "" if it could."""

    file: str
    uses: tuple[Use, ...] = ()
    error: str = ""

    @property
    def works(self) -> bool:
        return not self.error and all(use.works for use in self.uses)


def python_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the Python files of files and folders, in order. UsageError for a path that is none."""
    for path in paths:
        if path.is_file():
            yield path
        elif not path.is_dir():
            raise UsageError(f"{path}: there is no such file or folder.")
        else:
            for folder, below, files in os.walk(path):
                below[:] = sorted(name for name in below if not name.startswith((".", "__py")))
                yield from (Path(folder, name) for name in sorted(files) if name.endswith(".py"))


def check_file(path: Path) -> FileReport:
    """Read one file. What is wrong with it is in the report, nothing is raised."""
    try:
        source = path.read_bytes()
        if b"airflow" not in source:
            return FileReport(str(path))
        tree = ast.parse(source)
    except SyntaxError as error:
        return FileReport(str(path), error=f"line {error.lineno}: {error.msg}")
    except (OSError, ValueError, RecursionError) as error:
        return FileReport(str(path), error=str(error))
    reader = _Reader()
    reader.visit(tree)
    return FileReport(str(path), tuple(sorted(reader.uses)))


class _Reader(ast.NodeVisitor):
    """Goes through a file; `bound` is what its names stand for, Airflow's dotted paths."""

    def __init__(self) -> None:
        self.uses: set[Use] = set()
        self.bound: dict[str, str] = {}
        self.runs = True
        self.caught = False

    # ---------------------------------------------------------------- imports

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.partition(".")[0] == "airflow":
                self._add(node.lineno, alias.name, judge_module(alias.name))
                self.bound[alias.asname or "airflow"] = alias.name if alias.asname else "airflow"

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level or module.partition(".")[0] != "airflow":
            return
        for alias in node.names:
            if alias.name == "*":
                self._add(node.lineno, f"{module}.*", judge_module(module))
                continue
            self._add(alias.lineno, f"{module}.{alias.name}", judge_name(module, alias.name))
            self.bound[alias.asname or alias.name] = f"{module}.{alias.name}"

    # ---------------------------------------------------------------- uses

    def visit_Attribute(self, node: ast.Attribute) -> None:
        root, parts = _chain(node)
        if not isinstance(root, ast.Name) or root.id not in self.bound:
            self.generic_visit(node)
            return
        path = self.bound[root.id]
        module, _, name = path.rpartition(".")
        if names.SERVED.get(module, {}).get(name) == _TASK:
            self._add(node.lineno, f"@task.{parts[0]}", judge_kind(parts[0]))
            return
        if path != "airflow" and not is_module(path):
            return
        for part in parts:
            if is_module(f"{path}.{part}") and part not in names.SERVED.get(path, ()):
                path = f"{path}.{part}"
            else:
                self._add(node.lineno, f"{path}.{part}", judge_name(path, part))
                return
        if (verdict := judge_module(path)).state not in WORKING:
            self._add(node.lineno, path, verdict)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in (*node.decorator_list, *filter(None, [node.returns])):
            self.visit(part)
        self._visit_function(node.args, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_function(node.args, [node.body])

    def _visit_function(self, given: ast.arguments, body: Sequence[ast.AST]) -> None:
        """A parameter hides what the file bound to its name, as `task` in a callback does."""
        self.visit(given)
        own = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        hidden = {arg.arg for arg in own if arg}
        outside = self.bound
        self.bound = {name: path for name, path in outside.items() if name not in hidden}
        for statement in body:
            self.visit(statement)
        self.bound = outside

    # ---------------------------------------------------------------- what does not run

    def visit_If(self, node: ast.If) -> None:
        if "TYPE_CHECKING" not in ast.dump(node.test):
            self.generic_visit(node)
            return
        is_not = isinstance(node.test, ast.UnaryOp)
        self._visit_all(node.body, runs=self.runs and is_not)
        self._visit_all(node.orelse, runs=self.runs and not is_not)

    def visit_Try(self, node: ast.Try) -> None:
        if not any(_catches_import_errors(handler) for handler in node.handlers):
            self.generic_visit(node)
            return
        body = _Reader()
        body.bound, body.runs = self.bound, self.runs
        for statement in node.body:
            body.visit(statement)
        fails = any(not use.works and use.state != LATER for use in body.uses)
        # One of the two sides is taken here: the other one's names count for nothing.
        self.uses |= {
            Use(use.line, use.name, use.state, use.instead, use.runs and not fails)
            for use in body.uses
        }
        for handler in node.handlers:
            self._visit_all(handler.body, runs=self.runs and fails)
        self._visit_all([*node.orelse, *node.finalbody], runs=self.runs)

    def _visit_all(self, statements: Iterable[ast.stmt], *, runs: bool) -> None:
        before, self.runs = self.runs, runs
        bound = dict(self.bound)
        for statement in statements:
            self.visit(statement)
        if not runs:
            self.bound = self.bound | bound  # what runs says what a name stands for
        self.runs = before

    def _add(self, line: int, name: str, verdict: Verdict) -> None:
        self.uses.add(Use(line, name, verdict.state, verdict.instead, self.runs))


def _chain(node: ast.expr) -> tuple[ast.expr, list[str]]:
    """Return what an attribute chain begins with, and its names: `a.b.c` is (a, [b, c])."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return node, parts[::-1]


def _catches_import_errors(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    said = ast.dump(handler.type)
    return any(f"'{name}'" in said for name in ("ImportError", "ModuleNotFoundError", "Exception"))
