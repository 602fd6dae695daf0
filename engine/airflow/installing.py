"""Installs provider packages beside Penstock, without Airflow.

Each provider requires apache-airflow, which Penstock stands for. So a provider is installed with
--no-deps; then its other requirements that are missing, and the libraries that it imports without
requiring them, since Airflow's core brings them. A provider that it requires is taken the same way.
"""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING

from msgspec import Struct

from penstock.errors import PenstockError, UsageError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

PREFIX = "apache-airflow-providers-"

OURS = frozenset(
    ["apache-airflow", "apache-airflow-core", "apache-airflow-task-sdk", f"{PREFIX}standard"]
)
"""What Penstock stands for."""

UNDECLARED: dict[str, tuple[str, ...]] = {
    "amazon": ("tenacity", "python-slugify", "requests", "python-dateutil", "pytz"),
    "cncf-kubernetes": ("aiohttp", "python-slugify", "sqlalchemy", "tenacity", "python-dateutil"),
    "common-sql": ("deprecated",),
    "databricks": ("tenacity",),
    "google": ("aiohttp", "attrs", "deprecated", "google-api-python-client", "requests"),
    "http": ("tenacity", "urllib3"),
    "microsoft-azure": ("httpx", "msrest", "tenacity"),
    "mysql": ("python-dateutil",),
    "openlineage": ("sqlalchemy",),
    "papermill": ("attrs", "jupyter-client", "traitlets"),
    "postgres": ("methodtools", "more-itertools"),
    "redis": ("asgiref",),
    "sftp": ("python-dateutil",),
    "slack": ("tabulate",),
    "snowflake": ("cryptography", "pyjwt", "requests", "tenacity"),
    "ssh": ("tenacity",),
}
"""provider: what it imports and does not require. `packaging` is so for all of them."""

Run = Callable[[Sequence[str]], int]
"""Runs a command, its output on stderr, and returns its exit code."""


class InstallError(PenstockError):
    """The installer failed; what it said stands above."""


class Installed(Struct, frozen=True):
    """providers: package and version. libraries: what came for them. failed: what would not."""

    providers: dict[str, str]
    libraries: tuple[str, ...]
    failed: tuple[str, ...] = ()


def install(names: Sequence[str], run: Run | None = None) -> Installed:
    """Install providers by name (`amazon`, `common-sql==2.4.0`) and what they need.

    Raises UsageError for a name that is none, InstallError if a provider cannot be installed. A
    library that cannot be is in the answer: most of the provider works without it.
    """
    run = run or _run
    _install(["packaging"] if importlib.util.find_spec("packaging") is None else [], run)
    from packaging.requirements import InvalidRequirement, Requirement

    waiting: list[Requirement] = []
    done: dict[str, str] = {}
    libraries: set[str] = set()
    for name in names:
        try:
            waiting.append(_package(Requirement(name)))
        except InvalidRequirement:
            raise UsageError(f"{name!r} is no name of a provider, as amazon or http are.") from None
    while waiting:
        batch = {one.name: one for one in waiting if one.name not in done}
        _install(["--no-deps", *map(str, batch.values())] if batch else [], run)
        waiting = []
        for one in batch.values():
            done[one.name], needs = _requirements(one)
            waiting += [need for need in needs if need.name.startswith(PREFIX)]
            libraries |= {_plain(need) for need in needs if not need.name.startswith(PREFIX)}
            libraries |= set(UNDECLARED.get(one.name.removeprefix(PREFIX), ()))
    wanted = [Requirement(one) for one in sorted(libraries)]
    bounded = {one.name for one in wanted if one.specifier}
    # A library that one provider asks for in a version need not be asked for in any.
    missing = [
        str(one)
        for one in wanted
        if not _satisfied(one) and (one.specifier or one.name not in bounded)
    ]
    failed = _install_libraries(missing, run)
    return Installed(done, tuple(one for one in missing if one not in failed), tuple(failed))


def _package(requirement: Requirement) -> Requirement:
    """Return the requirement with the package's whole name: `amazon`, `common.sql` and the like."""
    name = requirement.name.lower().replace("_", "-").replace(".", "-")
    requirement.name = name if name.startswith(PREFIX) else PREFIX + name
    return requirement


def _requirements(one: Requirement) -> tuple[str, list[Requirement]]:
    """Return an installed provider's version, and what it requires here, Airflow left out."""
    from packaging.requirements import Requirement

    importlib.invalidate_caches()
    try:
        found = distribution(one.name)
    except PackageNotFoundError:
        raise InstallError(
            f"{one.name} is not there after its installation. Is {sys.executable} Penstock's own?"
        ) from None
    needs = []
    for line in found.requires or ():
        need = Requirement(line)
        extras = [*one.extras, ""]
        wanted = need.marker is None or any(need.marker.evaluate({"extra": e}) for e in extras)
        need.name = need.name.lower().replace("_", "-")
        if wanted and need.name not in OURS and not _satisfied(need):
            needs.append(need)
    return found.version, needs


def _plain(need: Requirement) -> str:
    """Return a requirement without the condition that has been looked at."""
    extras = f"[{','.join(sorted(need.extras))}]" if need.extras else ""
    return f"{need.name}{extras}{need.specifier}"


def _satisfied(need: Requirement) -> bool:
    try:
        version = distribution(need.name).version
    except PackageNotFoundError:
        return False
    return need.specifier.contains(version, prereleases=True)


def _install_libraries(missing: Sequence[str], run: Run) -> list[str]:
    """Install libraries; return those that would not: one that needs a compiler stops no other."""
    if not missing or run([*_installer(), *missing]) == 0:
        return []
    return [one for one in missing if run([*_installer(), one])]


def _install(arguments: Sequence[str], run: Run) -> None:
    if arguments and (code := run([*_installer(), *arguments])):
        raise InstallError(
            f"installing {' '.join(arguments)} failed (exit code {code}); its reason stands above."
        )


def _installer() -> list[str]:
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    if (uv := shutil.which("uv")) is not None:
        return [uv, "pip", "install", "--python", sys.executable]
    raise InstallError(
        f"{sys.executable} has no pip, and there is no uv. Install one: "
        f"{sys.executable} -m ensurepip"
    )


def _run(command: Sequence[str]) -> int:
    return subprocess.run(command, stdout=sys.stderr, check=False).returncode
