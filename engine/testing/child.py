"""`python -m penstock.testing.child FD REQUEST`: a trial that the command line asked for.

The request is JSON; the answer, a line of it, goes to the descriptor FD, so that what tasks print
can neither forge nor break it. User code is loaded and run here, and nowhere else.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from penstock.errors import PenstockError, UsageError
from penstock.worker import dagfile, kernel

Request = dict[str, Any]


def main(fd: int, request: Request) -> None:
    """Carry it out, answer, and end at once, whatever threads the tasks have left behind."""
    kernel.die_with_parent(os.getppid(), signal.SIGTERM)
    os.set_inheritable(fd, False)
    try:
        answer = {"ok": VERBS[request.pop("verb")](request)}
    except PenstockError as error:
        answer = {"error": str(error), "code": 2 if isinstance(error, UsageError) else 1}
    except KeyboardInterrupt:
        os._exit(130)
    except Exception as error:
        traceback.print_exc()
        answer = {"error": f"{type(error).__name__}: {error}", "code": 1}
    text = memoryview(json.dumps(answer, default=str).encode() + b"\n")
    while text:
        text = text[os.write(fd, text) :]
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def test_dag(request: Request) -> Any:
    from penstock.testing.dagtest import Terminal
    from penstock.testing.trying import run_dag

    wanted, xcoms = options_of(request), request["xcoms"]
    wanted |= {"mark_success": request["mark_success"], "real_time": request["real_time"]}
    return run_dag(dag_of(request), **wanted, listener=Terminal()).document(xcoms=xcoms)


def test_task(request: Request) -> Any:
    from penstock.testing.dagtest import Terminal
    from penstock.testing.trying import try_task

    index = request["map_index"]
    wanted = options_of(request) | {"map_index": index, "xcoms": request["given"]}
    wanted |= {"real_time": request["real_time"], "listener": Terminal()}
    found = try_task(dag_of(request), request["task"], **wanted).document(xcoms=True)
    for what in ("tasks", "xcoms"):
        found[what] = [one for one in found[what] if index in (None, one["map_index"])]
    return found


def render(request: Request) -> Any:
    from penstock.testing.trying import render_task

    wanted = options_of(request) | {"map_index": request["map_index"], "xcoms": request["given"]}
    return render_task(dag_of(request), request["task"], **wanted)


VERBS: Mapping[str, Callable[[Request], Any]] = {
    "test_dag": test_dag,
    "test_task": test_task,
    "render": render,
}


def dag_of(request: Request) -> Any:
    return dagfile.load(request["file"])[request["dag_id"]]


def options_of(request: Request) -> dict[str, Any]:
    """Return what every trial takes. A logical date is microseconds, None for none."""
    names = ("conf", "variables", "connections", "logical_date")
    return {name: request[name] for name in names}


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
