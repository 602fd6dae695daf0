"""Have a DAG file read by another process, within a time limit: no user code runs in this one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable

import msgspec

from penstock.authoring.serialized import FileError, ParsedFile
from penstock.errors import PenstockError
from penstock.events.questions import Answer, Question, Refused, decode_question
from penstock.events.types import encode
from penstock.home import environment_without_keys

LIMIT = 30.0
_decode = msgspec.json.Decoder(ParsedFile).decode


Answering = Callable[[Question], Answer]


async def parse_file(
    file: str, timeout: float = LIMIT, answer: Answering | None = None
) -> ParsedFile:
    """Return the DAGs of a file, or its error; never raises for what the file does.

    timeout: seconds; a file that is not read by then has its process killed, with all that it
    started, and an error that says so. answer: what becomes of the variables and connections that
    it asks for at its top level; None: only those of the environment are there.
    """
    if answer is None:
        return await _parse_file(file, timeout)
    ours, theirs = socket.socketpair()
    with theirs:
        answers = asyncio.create_task(_answer(ours, answer))
        try:
            return await _parse_file(file, timeout, theirs)
        finally:
            answers.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await answers


async def _answer(ours: socket.socket, answer: Answering) -> None:
    """Answer questions, a line each, until the other end is closed."""
    reader, writer = await asyncio.open_connection(sock=ours)
    try:
        while line := await reader.readline():
            try:
                said = answer(decode_question(line))
            except PenstockError as error:
                said = Refused(why=str(error))
            writer.write(encode(said) + b"\n")
            await writer.drain()
    except (OSError, ValueError):  # the file wrote there itself, or its process is gone
        return
    finally:
        writer.close()


async def _parse_file(file: str, timeout: float, asked: socket.socket | None = None) -> ParsedFile:
    passed = () if asked is None else (asked.fileno(),)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "penstock.worker.parse", file, *map(str, passed)),
        pass_fds=passed,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment_without_keys(),
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
