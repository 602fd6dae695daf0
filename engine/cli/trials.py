"""Trials that `dags test`, `tasks test` and `tasks render` have in common: options, and the child.

A DAG is tried in a process of its own, without a daemon: user code never runs in the command's.
What its tasks print goes to stderr, the answer comes over a pipe.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from penstock.cli.asking import read_conf, read_logical_date
from penstock.cli.daemon import Place, ask
from penstock.errors import PenstockError, UsageError

END_SECONDS = 5.0
"""How long the child has to end after a Ctrl-C, which it heard as well."""


class TrialFailedError(PenstockError):
    """A DAG or task could not be tried to the end."""


def trial_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add what every trial takes."""
    options = (
        click.option("--conf", "-c", metavar="JSON|@FILE", help="The run's conf, a JSON object."),
        click.option(
            "--param", "params", metavar="K=V", multiple=True, help="One key of conf. Repeatable."
        ),
        click.option(
            "--variables", metavar="FILE", help="Variables: JSON, YAML or .env, as exported."
        ),
        click.option("--connections", metavar="FILE", help="Connections, as exported."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def request_of(
    place: Place,
    target: str,
    logical_date: str | None,
    *,
    conf: str | None,
    params: Sequence[str],
    variables: str | None,
    connections: str | None,
) -> dict[str, Any]:
    """Return what the child is told of the DAG and the run. Raises UsageError."""
    import time

    from penstock.cli.exchange import read_connections, read_variables

    file, dag_id = find(place, target)
    read = read_variables(variables) if variables else {}
    return {
        "file": file,
        "dag_id": dag_id,
        "conf": read_conf(conf, params),
        "logical_date": read_logical_date(logical_date, default=time.time_ns() // 1000),
        "variables": {key: said["value"] for key, said in read.items()},
        "connections": read_connections(connections) if connections else {},
    }


def find(place: Place, target: str) -> tuple[str, str | None]:
    """Return the file, and the id if one is said, of what is named as FILE, FILE::ID or DAG_ID.

    Raises UsageError for a name that fits nothing.
    """
    from penstock.cli.run import existing_file

    name, separator, dag_id = target.rpartition("::")
    if separator:
        return str(existing_file(name)), dag_id
    if target.endswith(".py") or os.path.exists(target):
        return str(existing_file(target)), None
    return file_of(place, target), target


def file_of(place: Place, dag_id: str) -> str:
    """Return the file of a DAG that a daemon knows, or knew. Raises UsageError."""
    try:
        return str(ask(place, "dags_show", dag_id=dag_id)["file"])
    except UsageError:
        raise
    except PenstockError as error:
        raise UsageError(
            f"there is no file {dag_id!r}, and no daemon to ask for a DAG of that name: {error} "
            "Name the DAG's file, as FILE or FILE::DAG_ID."
        ) from None


def carry_out(verb: str, request: dict[str, Any]) -> Any:
    """Have the child try it and return its answer. Raises TrialFailedError, UsageError."""
    from penstock.home import environment_without_keys

    ours, theirs = socket.socketpair()
    command = [sys.executable, "-P", "-m", "penstock.testing.child", str(theirs.fileno())]
    sys.stderr.flush()
    passed, environment = (theirs.fileno(),), environment_without_keys()
    with ours, ours.makefile("rwb") as line:
        with theirs:
            process = subprocess.Popen(command, stdout=2, pass_fds=passed, env=environment)
        try:
            line.write(json.dumps({"verb": verb, **request}).encode() + b"\n")
            line.flush()
            said = line.readline()
            code = process.wait()
        except KeyboardInterrupt:
            _end(process)
            raise
        except OSError:  # it ended before it had read everything
            said, code = b"", process.wait()
    if code == 130:
        raise KeyboardInterrupt
    if not said.endswith(b"\n"):
        raise TrialFailedError(
            f"the process that tried it ended with status {code}: a task ended or crashed all of "
            "it (os._exit, a signal). `penstock run` gives each task a process that it may end."
        )
    answer = json.loads(said)
    if "error" in answer:
        raise (UsageError if answer["code"] == 2 else TrialFailedError)(answer["error"])
    return answer["ok"]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a child that heard the Ctrl-C, too; not for ever."""
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
