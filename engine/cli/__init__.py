"""The command line: one module a verb, which parses, calls one thing and prints.

`main` is the whole contract with the shell: 0 success, 1 the run or the command failed, 2 wrong
use, 130 after Ctrl-C; an error is one sentence on stderr, never a traceback of ours
(PENSTOCK_DEBUG=1 shows it). Answers go to stdout, everything else to stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    _open_closed()
    code = invoke(sys.argv[1:] if arguments is None else arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
    except OSError as error:
        print(f"penstock: the answer cannot be written: {error.strerror}", file=sys.stderr)
        _forget_stdout()
        code = FAILED
    sys.exit(code)


def _open_closed() -> None:
    """Open what the shell has closed of 0, 1 and 2; else a socket of ours would get the number."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(1, "w")  # noqa: SIM115 (as long as the process)
    sys.stderr = sys.stderr or open(2, "w")  # noqa: SIM115


def _forget_stdout() -> None:
    """Nobody can read us; Python would say so on its way out, to nobody's use."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def invoke(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code, having said on stderr what went wrong."""
    import click

    from penstock.cli.app import penstock
    from penstock.errors import PenstockError, UsageError

    try:
        code = penstock.main(list(arguments), prog_name="penstock", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return WRONG_USE
    except click.ClickException as error:
        error.show()
        return WRONG_USE
    except (KeyboardInterrupt, click.Abort):
        click.echo("penstock: interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        return FAILED
    except PenstockError as error:
        _trace()
        return _say(error, str(error), WRONG_USE if isinstance(error, UsageError) else FAILED)
    except OSError as error:
        _trace(always=_is_logged())
        where = f"{error.filename}: " if error.filename else ""
        what = f"{where}{error.strerror or error or type(error).__name__}"
        return _say(error, f"the system refuses: {what} (PENSTOCK_DEBUG=1 shows where)", FAILED)
    except Exception as error:
        _trace(always=_is_logged())
        what = f"{type(error).__name__}: {error}".rstrip(": ")
        hint = "PENSTOCK_DEBUG=1 shows where; please report it"
        return _say(error, f"a bug of Penstock's own: {what} ({hint})", FAILED)


def _say(error: Exception, sentence: str, code: int) -> int:
    import click

    from penstock.events.bus import BusError
    from penstock.supervisor.tether import held

    tether = held()
    if tether:
        tether.failed(sentence, passing=isinstance(error, BusError))
    click.echo(f"penstock: {sentence}", err=True)
    return code


def _is_logged() -> bool:
    """Whether stderr is a role's log file, where nobody is startled and somebody will look."""
    return not sys.stderr.isatty() and "--supervised" in sys.argv


def _trace(*, always: bool = False) -> None:
    if always or os.environ.get("PENSTOCK_DEBUG") == "1":
        import traceback

        traceback.print_exc()
