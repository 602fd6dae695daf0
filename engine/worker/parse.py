"""`python -m penstock.worker.parse FILE`: read one DAG file in a process of its own.

The last line on stdout is the `ParsedFile` as JSON. What the file prints goes to stderr, so it can
neither forge nor break that line. A process that the file leaves behind, or a thread, does not hold
up the end.
"""

from __future__ import annotations

import os
import signal
import sys

from penstock.worker import kernel


def main(file: str) -> None:
    """Write the answer, and end at once."""
    kernel.die_with_parent(os.getppid(), signal.SIGKILL)
    answer = os.dup(1)  # not inherited by what the file starts
    os.dup2(2, 1)
    from penstock.worker import dagfile

    text = memoryview(dagfile.parse(file) + b"\n")
    while text:
        text = text[os.write(answer, text) :]
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
