"""A virtual environment for a task's function: made anew for each try, or kept in a cache folder.

Making one takes 0.1 s without requirements. pip is left out of it where this process's own pip can
install into it, which saves 3 s.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import shutil
import site
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType

from msgspec import Struct, structs

from penstock.authoring.exceptions import AirflowException
from penstock.steps.process import Command, say

NOTHING: Mapping[str, str] = MappingProxyType({})


class NoEnvironmentError(AirflowException):
    """A virtual environment could not be made."""


class Recipe(Struct, frozen=True, kw_only=True):
    """What an environment is made of.

    requirements: lines of a requirements file. python_version: `3.12`, or None for this process's
    Python. system_site_packages: it sees what is installed beside Penstock. index_urls: where pip
    looks, None for its own settings. cache_key: part of the name of a kept environment.
    """

    requirements: tuple[str, ...] = ()
    python_version: str | None = None
    system_site_packages: bool = True
    pip_install_options: tuple[str, ...] = ()
    index_urls: tuple[str, ...] | None = None
    cache_key: str = ""

    def digest(self) -> str:
        """Return what tells it from others; URLs may hold passwords, so nothing else is kept."""
        text = json.dumps(structs.asdict(self) | {"python": sys.version}, sort_keys=True)
        return sha256(text.encode()).hexdigest()


def make(recipe: Recipe, folder: str, command: Command) -> str:
    """Make an environment in an empty folder; return its Python. Raises NoEnvironmentError."""
    version = recipe.python_version
    is_ours = version is None or f"{sys.version.split()[0]}.".startswith(f"{version}.")
    python = sys.executable if is_ours else shutil.which(f"python{version}")
    if python is None:
        raise NoEnvironmentError(
            f"there is no python{version} on this worker's PATH; install it, or leave "
            "python_version out."
        )
    pips_in = is_ours and importlib.util.find_spec("pip") is not None
    options = ["--system-site-packages"] * recipe.system_site_packages
    if pips_in or not recipe.requirements:
        options.append("--without-pip")
    _step(command, [python, "-m", "venv", *options, folder])
    if recipe.system_site_packages and is_ours:
        _share_packages(folder)
    inside = os.path.join(folder, "bin", "python")
    if recipe.requirements:
        wanted = os.path.join(folder, "requirements.txt")
        with open(wanted, "w", encoding="utf-8") as file:
            file.write("\n".join(recipe.requirements))
        pip = (
            [sys.executable, "-m", "pip", "--python", inside] if pips_in else [inside, "-m", "pip"]
        )
        more = ["--disable-pip-version-check", *recipe.pip_install_options]
        _step(command, [*pip, "install", *more, "-r", wanted], _pip_settings(recipe.index_urls))
    return inside


def kept(recipe: Recipe, cache: str, command: Command) -> str:
    """Return the Python of an environment that is kept in `cache` under what it is made of.

    One that is not whole (its making was cut short) is made again; workers wait for each other.
    """
    digest = recipe.digest()
    folder = os.path.join(cache, f"venv-{digest[:16]}")
    whole = os.path.join(folder, "whole")
    os.makedirs(cache, exist_ok=True)
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(whole):
            say(f"Using the virtual environment in {folder}")
            return os.path.join(folder, "bin", "python")
        shutil.rmtree(folder, ignore_errors=True)
        python = make(recipe, folder, command)
        with open(whole, "w", encoding="utf-8") as file:
            file.write(digest)
        return python


def _share_packages(folder: str) -> None:
    """Let an environment see what is installed beside Penstock, if that is an environment, too.

    Python itself would only show it what lies below both.
    """
    if sys.prefix == sys.base_prefix:
        return
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    with open(
        os.path.join(folder, "lib", version, "site-packages", "penstock_shared.pth"),
        "w",
        encoding="utf-8",
    ) as file:
        for path in site.getsitepackages():
            file.write(f"import site; site.addsitedir({path!r})\n")


def _pip_settings(urls: Sequence[str] | None) -> dict[str, str]:
    """Return the variables that tell pip where to look: in no file, URLs may hold passwords."""
    if urls is None:
        return {}
    if not urls:
        return {"PIP_NO_INDEX": "1"}
    more = {"PIP_EXTRA_INDEX_URL": " ".join(urls[1:])} if len(urls) > 1 else {}
    return {"PIP_INDEX_URL": urls[0], **more}


def _step(command: Command, arguments: Sequence[str], more: Mapping[str, str] = NOTHING) -> None:
    wrong: list[str] = []

    def tell(line: str) -> None:
        say(line)
        if line.startswith("ERROR: "):
            wrong.append(line.removeprefix("ERROR: "))

    code, last = command.run(arguments, tell=tell, env={**os.environ, **more})
    if code:
        why = (wrong[-1] if wrong else last or f"exit code {code}").rstrip(".")
        raise NoEnvironmentError(
            f"the task's virtual environment could not be made: {why}. Correct its requirements, "
            "or where pip looks for them (index_urls)."
        )
