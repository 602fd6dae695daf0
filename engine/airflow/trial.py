"""Tries out which modules of the installed providers import here, and why the others do not.

Importing runs the providers' code, so each provider has a child process of its own; a module that
ends the child is told of, and another child goes on behind it. `python -m penstock.airflow.trial
MODULE...` is that child: a line of JSON before and after each module, on the stdout that it had.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions

from msgspec import Struct

from penstock.airflow.installing import PREFIX
from penstock.authoring.errors import UnsupportedError
from penstock.errors import UsageError

FOLDERS = frozenset({"hooks", "operators", "sensors", "transfers", "triggers"})
"""Folders of a provider whose modules DAG files import."""

SECONDS = 600.0
"""How long the modules of one provider may take."""


class ModuleTrial(Struct, frozen=True):
    """One module. why: the error, "" if it imports. missing: the library that it lacks, or ""."""

    module: str
    why: str = ""
    missing: str = ""


class ProviderTrial(Struct, frozen=True):
    """One provider package and its modules."""

    package: str
    version: str
    modules: tuple[ModuleTrial, ...]

    @property
    def failed(self) -> tuple[ModuleTrial, ...]:
        return tuple(module for module in self.modules if module.why)


def try_installed(names: tuple[str, ...] = ()) -> Iterator[ProviderTrial]:
    """Yield what becomes of the installed providers, of those named (`amazon`) if any are.

    Raises UsageError for a name that is not installed.
    """
    wanted = {name.removeprefix(PREFIX).lower().replace("_", "-") for name in names}
    there = providers()
    if absent := sorted(wanted - {package.removeprefix(PREFIX) for package in there}):
        raise UsageError(
            f"{', '.join(absent)}: not installed. Install it: penstock providers install "
            f"{' '.join(absent)}"
        )
    for package, distribution in sorted(there.items()):
        if not wanted or package.removeprefix(PREFIX) in wanted:
            modules = tuple(_try(modules_of(distribution)))
            yield ProviderTrial(package, distribution.version, modules)


def providers() -> dict[str, Distribution]:
    """Return the installed provider packages by name."""
    found: dict[str, Distribution] = {}
    for distribution in distributions():
        name = (distribution.metadata["Name"] or "").lower().replace("_", "-")
        if name.startswith(PREFIX):
            found.setdefault(name, distribution)
    return found


def modules_of(distribution: Distribution) -> list[str]:
    """Return the modules of a provider that DAG files import, in order."""
    found = []
    for file in distribution.files or ():
        parts = file.parts
        if parts[:2] != ("airflow", "providers") or not file.name.endswith(".py"):
            continue
        if FOLDERS & set(parts[:-1]) and file.name != "__init__.py" and "tests" not in parts:
            found.append(".".join(parts).removesuffix(".py"))
    return sorted(found)


def _try(modules: list[str]) -> Iterator[ModuleTrial]:
    while modules:
        told, code = _child(modules)
        yield from told
        left = modules[len(told) :]
        if left:
            how = "took too long" if code is None else f"ended the process (exit code {code})"
            yield ModuleTrial(left[0], f"its import {how}")
        modules = left[1:]


def _child(modules: list[str]) -> tuple[list[ModuleTrial], int | None]:
    """Return what one child tells of the modules that it got through, and how it ended."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "penstock.airflow.trial", *modules]
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
            env=environment, timeout=SECONDS, check=False,
        )  # fmt: skip
        out, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as error:
        out, code = error.stdout or b"", None
    return [ModuleTrial(**json.loads(line)) for line in out.splitlines()], code


# ---------------------------------------------------------------- in the child


def main(modules: list[str]) -> None:
    """Import the modules one after the other and tell of each."""
    from penstock.airflow import finder

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a module prints is not ours
    warnings.simplefilter("ignore")
    finder.install()
    for module in modules:
        try:
            importlib.import_module(module)
            told = {"module": module}
        except BaseException as error:  # SystemExit as well: it is the module that is on trial
            told = {"module": module} | reason(error)
        print(json.dumps(told), file=answers, flush=True)


def reason(error: BaseException) -> dict[str, str]:
    """Say why an import failed: the error, and the library that is missing, if that is it.

    Providers try several paths and tell of the last; what they stumbled over is in the chain.
    """
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    for found in chain:
        name = (found.name or "") if isinstance(found, ModuleNotFoundError) else ""
        if name and name.partition(".")[0] != "airflow":
            return {"why": f"{name} is not installed", "missing": name.partition(".")[0]}
    return {"why": " <- ".join(dict.fromkeys(map(_said, (chain[0], chain[-1]))))[:500]}


def _said(error: BaseException) -> str:
    if isinstance(error, UnsupportedError):
        return error.reason  # without its place: it is the same sentence wherever it is met
    text = str(error)
    return text if text.startswith("Penstock ") else f"{type(error).__name__}: {text}"


if __name__ == "__main__":
    main(sys.argv[1:])
