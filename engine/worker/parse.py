"""`python -m penstock.worker.parse FILE`: read one DAG file in a process of its own.

The last line on stdout is the `ParsedFile` as JSON. What the file prints goes to stderr, so it can
neither forge nor break that line. A process that the file leaves behind, or a thread, does not hold
up the end.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any, cast

from penstock.worker import kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.authoring.backend import Backend


class TopLevel:
    """What a DAG file may ask at its top level: variables and connections, by a line each."""

    def __init__(self, asked: socket.socket) -> None:
        self._lines = asked.makefile("rwb")
        self._lock = threading.Lock()

    def variable(self, key: str) -> str | None:
        from penstock.events.questions import AskVariable

        found: str | None = self._ask(AskVariable(key=key)).value
        return found

    def variable_keys(self, prefix: str) -> Sequence[str]:
        from penstock.events.questions import AskKeys

        found: Sequence[str] = self._ask(AskKeys(prefix=prefix)).keys
        return found

    def connection(self, conn_id: str) -> dict[str, Any] | None:
        from penstock.events.questions import AskConnection

        found: dict[str, Any] | None = self._ask(AskConnection(conn_id=conn_id)).fields
        return found

    def change_variable(self, key: str, value: str | None, description: str | None) -> None:
        from penstock.authoring.exceptions import AirflowRuntimeError

        raise AirflowRuntimeError(
            f"the variable {key!r} cannot be changed at the top level of a DAG file, which is run "
            "whenever somebody reads it. Do it in a task."
        )

    def mask(self, texts: Sequence[str]) -> None:
        """What is printed here goes nowhere; errors are masked where they are made."""

    def _ask(self, question: Any) -> Any:
        from penstock.authoring.exceptions import AirflowRuntimeError
        from penstock.events.questions import Refused, decode_answer
        from penstock.events.types import encode

        with self._lock:
            self._lines.write(encode(question) + b"\n")
            self._lines.flush()
            answer = decode_answer(self._lines.readline())
        if isinstance(answer, Refused):
            raise AirflowRuntimeError(answer.why)
        return answer


def main(file: str, asked: int | None = None) -> None:
    """Write the answer, and end at once. asked: the descriptor of the socket for questions."""
    kernel.die_with_parent(os.getppid(), signal.SIGKILL)
    answer = os.dup(1)  # not inherited by what the file starts
    os.dup2(2, 1)
    from penstock.authoring.context import asking
    from penstock.worker import dagfile

    if asked is None:
        parsed = dagfile.parse(file)
    else:
        line = socket.socket(fileno=asked)
        line.set_inheritable(False)
        with asking(cast("Backend", TopLevel(line)), loading=True):
            parsed = dagfile.parse(file)
    text = memoryview(parsed + b"\n")
    while text:
        text = text[os.write(answer, text) :]
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))
