"""Have a DAG file read by another process, within a time limit: no user code runs in this one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys

import msgspec

from penstock.authoring.serialized import FileError, ParsedFile
from penstock.home import SECRET_KEY

LIMIT = 30.0
_decode = msgspec.json.Decoder(ParsedFile).decode


async def parse_file(file: str, timeout: float = LIMIT) -> ParsedFile:
    """Return the DAGs of a file, or its error; never raises for what the file does.

    timeout: seconds; a file that is not read by then has its process killed, with all that it
    started, and an error that says so.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "penstock.worker.parse", file),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != SECRET_KEY},
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout):
            said, printed = await process.communicate()
    except TimeoutError:
        why = (
            f"reading this file took longer than {timeout:g} s, so it was given up. Move what "
            "takes long (downloads, queries, endless loops) from its top level into its tasks."
        )
        return ParsedFile(file=file, error=FileError(message=why, file=file))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    try:
        return _decode(said.rstrip(b"\n").rpartition(b"\n")[2])
    except msgspec.MsgspecError:
        last = printed.decode("utf-8", "replace").strip()[-2000:]
        why = f"the process that read this file ended with status {process.returncode}: {last}"
        return ParsedFile(file=file, error=FileError(message=why, file=file))
