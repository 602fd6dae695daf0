"""The import finder: `import airflow...` finds the table's names instead of an Airflow.

It stands first on `sys.meta_path`, so it wins over an Airflow that is installed; provider packages
that are installed under `airflow.providers` are still found where they are. A name that Airflow has
and the table lacks is a placeholder, which refuses to be used; a name that Airflow 3.3 does not
have is refused at import, since whoever tries several paths in order has to hear of it.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from penstock.airflow import known, names
from penstock.airflow.placeholder import Placeholder
from penstock.airflow.refusals import advice

ROOT = "airflow"
_PROVIDERS = "airflow.providers"
_STANDARD = "airflow.providers.standard"


class _AirflowFinder(MetaPathFinder, Loader):
    """Serves the table. As a loader it makes modules that look a name up when it is asked for."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if not _below(fullname, ROOT):
            return None
        # An installed provider's modules are its own; the standard one's are Penstock's first.
        if path and not (_below(fullname, _STANDARD) and fullname in names.PACKAGES):
            found = PathFinder.find_spec(fullname, path, target)
            if found is not None:
                return found
        if fullname in names.PACKAGES or fullname in known.PACKAGES or known.is_open(fullname):
            spec = ModuleSpec(fullname, self, is_package=True)
            spec.submodule_search_locations = _provider_folders(fullname)
            return spec
        raise ModuleNotFoundError(
            f"Penstock does not serve the module {fullname!r}.{advice(fullname)}", name=fullname
        )

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _ServedModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        module.__doc__ = "Served by Penstock."
        module.__dict__["__all__"] = sorted(names.SERVED.get(module.__name__, ()))


class _ServedModule(ModuleType):
    """A module of Airflow's whose names are the table's."""

    def __getattr__(self, name: str) -> Any:
        module = self.__name__
        if (target := names.SERVED.get(module, {}).get(name)) is not None:
            return _resolve(target)
        below = f"{module}.{name}"
        if below in names.PACKAGES:
            return importlib.import_module(below)
        if known.exists(module, name):
            return Placeholder(module, name)
        if below in known.PACKAGES:
            return importlib.import_module(below)
        if name.startswith("__"):
            raise AttributeError(name)
        sentence = f"Penstock does not serve the name {name!r} of {module!r}.{advice(below)}"
        if sys._getframe(1).f_code.co_name == "_handle_fromlist" and not _is_module(self, below):
            # `from ... import name`: an AttributeError would be replaced by Python's own sentence.
            raise ImportError(sentence, name=module)
        raise AttributeError(sentence)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *names.SERVED.get(self.__name__, ())})


def _resolve(target: str) -> Any:
    module, _, name = target.partition(":")
    found = importlib.import_module(module)
    return getattr(found, name) if name else found


def _below(fullname: str, package: str) -> bool:
    return fullname == package or fullname.startswith(f"{package}.")


def _is_module(package: ModuleType, fullname: str) -> bool:
    """Whether a provider that is installed has a module of this name."""
    return PathFinder.find_spec(fullname, list(package.__path__)) is not None


def _provider_folders(fullname: str) -> list[str]:
    """Return where installed provider packages lie; nothing else of an Airflow is looked at."""
    if not _below(fullname, _PROVIDERS):
        return []
    inside = fullname.replace(".", os.sep)
    folders = (os.path.join(entry or os.curdir, inside) for entry in sys.path)
    return [folder for folder in folders if os.path.isdir(folder)]


_finder = _AirflowFinder()
_set_aside: dict[str, ModuleType] = {}


def _loaded() -> list[str]:
    return [name for name in sys.modules if name == ROOT or name.startswith(f"{ROOT}.")]


def install() -> None:
    """Serve Airflow's names from now on; an Airflow that was imported before is set aside."""
    if _finder in sys.meta_path:
        return
    _set_aside.clear()
    for name in _loaded():
        _set_aside[name] = sys.modules.pop(name)
    sys.meta_path.insert(0, _finder)


def uninstall() -> None:
    """Undo `install`: forget what was served, and put back what was set aside."""
    if _finder not in sys.meta_path:
        return
    sys.meta_path.remove(_finder)
    for name in _loaded():
        del sys.modules[name]
    sys.modules.update(_set_aside)
    _set_aside.clear()
