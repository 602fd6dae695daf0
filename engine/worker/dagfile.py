"""A DAG file, read: imported as a module, its DAGs gathered, or the reason why not.

This runs in a child process, since it runs the author's code; how long it may take is the caller's
business. `load` gives the DAGs themselves, to run tasks of; `parse` gives what the coordinator
sees.

The file's folder is on `sys.path` while it is read and after, as it is for `python file.py`, so
that what it imports from beside itself is found, also by imports inside of tasks.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib
import importlib.util
import linecache
import os
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from types import ModuleType

import msgspec

from penstock.airflow import finder
from penstock.authoring.dag import DAG, collecting
from penstock.authoring.errors import DagFileError, DuplicateDagError
from penstock.authoring.masking import masked
from penstock.authoring.serialize import serialize
from penstock.authoring.serialized import FileError, ParsedFile
from penstock.errors import PenstockError
from penstock.worker import missing


class DagFileUnreadableError(PenstockError):
    """The DAG file is not there, or is no file."""


def load(file: str) -> dict[str, DAG]:
    """Import a DAG file and return its DAGs by id.

    Those are the DAGs that stand in its global names, that it opened by `with DAG(...)`, and that
    its calls of `@dag` functions made. Whatever its code raises passes through; DuplicateDagError
    for two DAGs of one id, DagFileUnreadableError if there is no such file.
    """
    file = os.path.abspath(file)
    with collecting() as opened:
        module = _import(file)
    found: dict[str, DAG] = {}
    standing = [value for value in vars(module).values() if isinstance(value, DAG)]
    for dag in [*opened, *standing]:
        other = found.setdefault(dag.dag_id, dag)
        if other is not dag:
            raise DuplicateDagError(
                f"this file has two DAGs {dag.dag_id!r} (the other one: {other.place}). "
                "Give each its own dag_id.",
                dag.place,
            )
        dag.fileloc = file
    return found


def parse(file: str) -> bytes:
    """Import a DAG file and return a `ParsedFile` as JSON: its DAGs as data, or the error.

    Nothing that the file does wrong is raised; SystemExit is an error as well.
    """
    file = os.path.abspath(file)
    before = set(sys.modules)
    try:
        dags = load(file)
        modules = third_party_modules(file, before)
        made = tuple(serialize(dag, file=file, modules=modules) for dag in dags.values())
        parsed = ParsedFile(file=file, dags=made, modules=modules)
    except (Exception, SystemExit) as error:
        parsed = ParsedFile(file=file, error=explain(error, file))
    return msgspec.json.encode(parsed)


def _import(file: str) -> ModuleType:
    if not os.path.isfile(file):
        raise DagFileUnreadableError(f"{file}: there is no such file.")
    finder.install()
    importlib.invalidate_caches()
    _forget_changed()
    folder = os.path.dirname(file)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    linecache.checkcache(file)
    name = f"penstock_dag_{hashlib.sha256(file.encode()).hexdigest()[:12]}_{_stem(file)}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise DagFileUnreadableError(f"{file}: this is no Python file.")
    module = importlib.util.module_from_spec(spec)
    # Under its name in sys.modules, so that its classes and functions can be pickled by reference.
    sys.modules[name] = module
    before = set(sys.modules)
    try:
        with _no_bytecode():
            spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    finally:
        _note_beside(set(sys.modules) - before, folder + os.sep)
    return module


_beside: dict[str, tuple[str, tuple[int, int] | None]] = {}
"""Authors' own modules that DAG files import: where each lies, its time and size when loaded."""


def _note_beside(names: set[str], folder: str) -> None:
    for name in names:
        path = getattr(sys.modules[name], "__file__", None)
        if path and path.startswith(folder) and not _installed(path):
            _beside[name] = (path, _stamp(path))


def _forget_changed() -> None:
    """Let authors' modules be imported again if one of them has changed: they use each other."""
    if any(_stamp(path) != stamp for path, stamp in _beside.values()):
        for name in _beside:
            sys.modules.pop(name, None)
        _beside.clear()


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _stem(file: str) -> str:
    stem = os.path.splitext(os.path.basename(file))[0]
    return "".join(c if c.isalnum() else "_" for c in stem)


@contextlib.contextmanager
def _no_bytecode() -> Iterator[None]:
    """Leave no `__pycache__` in the folder of DAGs: it may be read-only, and it is watched."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


# ---------------------------------------------------------------- what the import brought


def third_party_modules(file: str, before: set[str]) -> tuple[str, ...]:
    """Return the installed modules that the author's own files import, of those loaded since.

    They are named as the files name them (`sklearn.ensemble`, not only `sklearn`), so that whoever
    imports them beforehand has brought the heavy part too. Imports inside of functions count only
    if something has loaded them.
    """
    loaded = set(sys.modules) - before
    folder = os.path.dirname(file) + os.sep
    own = {file}
    for name in loaded:
        path = getattr(sys.modules.get(name), "__file__", None)
        if path and path.endswith(".py") and path.startswith(folder) and not _installed(path):
            own.add(path)
    said = {name for path in own for name in _imports(path)}
    return tuple(sorted(name for name in said & loaded if _third_party(name)))


def _imports(path: str) -> Iterator[str]:
    """Yield the modules that a file's import statements name, absolute ones."""
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _third_party(name: str) -> bool:
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or top in ("penstock", "airflow"):
        return False
    path = getattr(sys.modules.get(name), "__file__", None)
    return path is not None and _installed(path)


_INSTALLED = tuple({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})


def _installed(path: str) -> bool:
    return path.startswith(_INSTALLED) or "site-packages" in path or "dist-packages" in path


# ---------------------------------------------------------------- what went wrong


def explain(error: BaseException, file: str) -> FileError:
    """Return an error as people need it: what, and on which line of whose file."""
    if isinstance(error, DagFileError):
        return FileError(message=error.reason, file=error.file, line=error.line)
    if isinstance(error, SyntaxError) and error.filename:
        said = f"{type(error).__name__}: {error.msg}"
        return FileError(message=said, file=error.filename, line=error.lineno)
    where, line = _own_line(error, file)
    text = str(error).strip()
    message = text if isinstance(error, PenstockError) else f"{type(error).__name__}: {text}"
    message += missing.advice(error)
    if isinstance(error, SystemExit):
        message = f"the file ended the process (exit code {error.code!r}) while it was imported"
    return FileError(
        message=masked(message.removesuffix(": ")),
        file=where,
        line=line,
        traceback=masked("".join(traceback.format_exception(error)))[-8192:],
    )


def _own_line(error: BaseException, file: str) -> tuple[str, int | None]:
    """Return the innermost line of the traceback that is in the DAG's file, or in its folder."""
    folder = os.path.dirname(file) + os.sep
    own, near = None, None
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == file:
            own = frame
        elif frame.filename.startswith(folder) and not _installed(frame.filename):
            near = frame
    # A module beside the file that fails while it is imported is itself the place to look.
    found = near if near is not None else own
    return (found.filename, found.lineno) if found is not None else (file, None)
