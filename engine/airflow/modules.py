"""Modules by name: `airflow.sdk.module_loading` and `airflow.utils.deprecation_tools`."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import sys
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from penstock.airflow.exceptions import DeprecatedImportWarning


def import_string(dotted_path: str) -> Any:
    """Return the object at `package.module.Name`. ImportError if there is none."""
    module, dot, name = dotted_path.rpartition(".")
    if not dot:
        raise ImportError(f"{dotted_path!r} is no path of a name in a module")
    try:
        return getattr(importlib.import_module(module), name)
    except AttributeError:
        raise ImportError(f"the module {module!r} has no name {name!r}") from None


def qualname(o: Any, use_qualname: bool = False, exclude_module: bool = False) -> str:
    """Return where a class, function or object's class is defined: `package.module.Name`."""
    if isinstance(o, functools.partial):
        o = o.func
    named = o if callable(o) and hasattr(o, "__name__") else type(o)
    name = named.__qualname__ if use_qualname else named.__name__
    module = getattr(named, "__module__", None)
    return str(name) if exclude_module or not module else f"{module}.{name}"


def iter_namespace(ns: ModuleType) -> Iterator[pkgutil.ModuleInfo]:
    """Yield the modules of a package."""
    return pkgutil.iter_modules(ns.__path__, ns.__name__ + ".")


def is_valid_dotpath(path: str) -> bool:
    """Whether a text has the form of a dotted path."""
    return isinstance(path, str) and all(part.isidentifier() for part in path.split("."))


def getattr_with_deprecation(
    imports: dict[str, str],
    module: str,
    override_deprecated_classes: dict[str, str],
    extra_message: str,
    name: str,
    message_override: str = "",
) -> Any:
    """Return what a module's old name leads to (`imports`, "*": all), with a warning."""
    target = imports.get(name)
    if target is None and "*" in imports and not name.startswith("__"):
        target = f"{imports['*']}.{name}"
    if target is None:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    told = (override_deprecated_classes or {}).get(name, target)
    said = message_override.format(module=module, name=name, target=told) or (
        f"{module}.{name} is an old path: import {told}. {extra_message}".rstrip()
    )
    warnings.warn(said, DeprecatedImportWarning, stacklevel=3)
    return import_string(target)


def add_deprecated_classes(
    module_imports: dict[str, dict[str, str]],
    package: str,
    override_deprecated_classes: dict[str, dict[str, str]] | None = None,
    extra_message: str | None = None,
    message: str | None = None,
) -> None:
    """Give a package old modules and names that lead to new ones."""
    overrides = override_deprecated_classes or {}
    for name, imports in module_imports.items():
        own = name == package
        path = name if own else f"{package}.{name}"
        module = sys.modules[path] if own else ModuleType(path)
        find: Callable[[str], Any] = functools.partial(
            getattr_with_deprecation,
            imports,
            path,
            overrides.get(name, {}),
            extra_message or "",
            message_override=message or "",
        )
        module.__dict__["__getattr__"] = find
        if not own:
            sys.modules[path] = module
