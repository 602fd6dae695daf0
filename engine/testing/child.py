"""`python -m penstock.testing.child FD`: a trial that the command line asked for.

The request and the answer are a line of JSON each, over the socket FD: what tasks print can neither
forge nor break the answer, and what is secret in the request stands on no command line. User code
is loaded and run here, and nowhere else.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, cast

from penstock.authoring.backend import Backend
from penstock.authoring.context import asking
from penstock.authoring.dag import DAG
from penstock.authoring.serialize import serialize
from penstock.cli.run import BrokenFileError, choose
from penstock.errors import PenstockError, UsageError
from penstock.lifecycle.state import State
from penstock.testing.answers import Answers
from penstock.testing.dagtest import Terminal
from penstock.testing.trying import render_task, run_dag, try_task
from penstock.worker import dagfile, kernel, parse

Request = dict[str, Any]


def main(fd: int) -> None:
    """Carry it out, answer, and end at once, whatever threads the tasks have left behind."""
    kernel.die_with_parent(os.getppid(), signal.SIGTERM)
    line = socket.socket(fileno=fd)
    line.set_inheritable(False)
    with line.makefile("rb") as said:
        request: Request = json.loads(said.readline())
    try:
        answer = {"ok": VERBS[request.pop("verb")](request)}
    except PenstockError as error:
        answer = {"error": str(error), "code": 2 if isinstance(error, UsageError) else 1}
    except KeyboardInterrupt:
        os._exit(130)
    except Exception as error:
        traceback.print_exc()
        answer = {"error": f"{type(error).__name__}: {error}", "code": 1}
    line.sendall(json.dumps(answer, default=str).encode() + b"\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def test_dag(request: Request) -> Any:
    wanted, xcoms = options_of(request), request["xcoms"]
    wanted |= {"mark_success": request["mark_success"], "real_time": request["real_time"]}
    return run_dag(dag_of(request), **wanted, listener=Terminal()).document(xcoms=xcoms)


def test_task(request: Request) -> Any:
    index = request["map_index"]
    wanted = options_of(request) | {"map_index": index, "xcoms": request["given"]}
    wanted |= {"real_time": request["real_time"], "listener": Terminal()}
    found = try_task(dag_of(request), request["task"], **wanted).document(xcoms=True)
    for what in ("tasks", "xcoms"):
        found[what] = [one for one in found[what] if index in (None, one["map_index"])]
    return found


def render(request: Request) -> Any:
    wanted = options_of(request) | {"map_index": request["map_index"], "xcoms": request["given"]}
    return render_task(dag_of(request), request["task"], **wanted)


VERBS: Mapping[str, Callable[[Request], Any]] = {
    "test_dag": test_dag,
    "test_task": test_task,
    "render": render,
}


def dag_of(request: Request) -> DAG:
    """Load the file and return the DAG that is meant. Raises BrokenFileError, UsageError."""
    file, dag_id = request["file"], request["dag_id"]
    given = Answers(State(), request["variables"], request["connections"], lambda _: None)
    try:
        with asking(cast(Backend, TopLevel(given)), loading=True):
            dags = dagfile.load(file)
    except (Exception, SystemExit) as error:
        wrong = dagfile.explain(error, file)
        raise BrokenFileError(wrong.file, wrong.line, wrong.message) from error
    if not dags:
        raise BrokenFileError(file, None, "there is no DAG in this file, at its top level.")
    dag = choose(file, dag_id, dags)
    for warning in serialize(dag).warnings:
        print(f"penstock: warning: {warning}", file=sys.stderr)
    return dag


class TopLevel(parse.TopLevel):
    """Answers what a DAG file looks up at its top level from what was given."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def _ask(self, question: Any) -> Any:
        return self._answers(question)


def options_of(request: Request) -> dict[str, Any]:
    """Return what every trial takes. A logical date is microseconds, None for none."""
    names = ("conf", "variables", "connections", "logical_date")
    return {name: request[name] for name in names}


if __name__ == "__main__":
    main(int(sys.argv[1]))
