"""What runs in another Python: one function of an author's, its arguments and result in files.

This file is copied beside them and run by an interpreter that has none of Penstock, maybe of
another version, so it needs the standard library alone and is written for Python 3.7 and later.

    call.json   what is called: name, file and line of the function, the serializer, moments by name
    source.py   the function's source      args    [args, kwargs], by the serializer
    result      what it returned           error.json   what it raised instead
"""

from __future__ import annotations
import __future__

import importlib
import json
import os
import sys
import traceback
import types
from typing import Any


def main(folder: str) -> None:
    def path(name: str) -> str:
        return os.path.join(folder, name)

    with open(path("call.json"), encoding="utf-8") as file:
        call = json.load(file)
    try:
        returned = called(call, path)
        if returned is not None:
            with open(path("result"), "wb") as result:
                importlib.import_module(call["serializer"]).dump(returned, result)
    except Exception as error:
        said = {
            "kind": type(error).__name__,
            "message": str(error),
            "traceback": "".join(frames(error, call["file"])),
        }
        with open(path("error.json"), "w", encoding="utf-8") as file:
            json.dump(said, file)
        sys.exit(1)


def called(call: dict[str, Any], path: Any) -> Any:
    with open(path("source.py"), encoding="utf-8") as file:
        source = file.read()
    # At its own line of its own file, so that a traceback shows the author's code.
    code = compile(
        "\n" * (call["line"] - 1) + source,
        call["file"],
        "exec",
        flags=__future__.annotations.compiler_flag,
        dont_inherit=True,
    )
    # A main module of its own, where pickle looks for what the function defines.
    sys.modules["__main__"] = author = types.ModuleType("__main__")
    names = vars(author)
    names["virtualenv_string_args"] = call["string_args"]
    exec(code, names)
    with open(path("args"), "rb") as file:
        args, kwargs = importlib.import_module(call["serializer"]).load(file)
    kwargs.update((name, moment(text)) for name, text in call["moments"].items())
    return names[call["name"]](*args, **kwargs)


def moment(text: str) -> Any:
    """Return a pendulum moment where there is pendulum, else a plain datetime."""
    try:
        import pendulum
    except ImportError:
        from datetime import datetime

        return datetime.fromisoformat(text)
    return pendulum.parse(text)


def frames(error: Exception, file: str) -> list[str]:
    """Return the lines of the traceback, from the author's function on."""
    left = error.__traceback__
    while left is not None and left.tb_frame.f_code.co_filename != file:
        left = left.tb_next
    return traceback.format_exception(type(error), error, left or error.__traceback__)


if __name__ == "__main__":
    main(sys.argv[1])
