# ruff: noqa: ASYNC230, ASYNC251
"""What the children of these tests run: the task's id names a function of this module.

Arguments ride in the run's conf. Each function does one thing that real tasks do to a worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import subprocess
import sys
import threading
import time
from typing import Any

import msgspec


class AirflowSkipException(Exception):
    """By its name alone."""


class AirflowFailException(Exception):
    """By its name alone."""


def run(work: Any, info: Any, backend: Any, started_at: int) -> None:
    conf = msgspec.json.decode(info.conf)
    value = globals()[work.attempt.task.split(".")[0]](work, conf, backend)
    backend.push("return_value", value)


async def run_async(work: Any, info: Any, backend: Any, started_at: int) -> None:
    conf = msgspec.json.decode(info.conf)
    value = await globals()[work.attempt.task.split(".")[0]](work, conf, backend)
    backend.push("return_value", value)


def nothing(work, conf, backend):
    return None


def index(work, conf, backend):
    return work.attempt.index


def who(work, conf, backend):
    return os.getpid()


def env(work, conf, backend):
    found = {name: value for name, value in os.environ.items() if "TASK" in name or "MINE" in name}
    os.environ["MINE"] = "left behind"
    folder = os.environ["PENSTOCK_TASK_DIR"]
    left = os.listdir(folder)
    open(os.path.join(folder, "file"), "w").close()
    cwd = os.getcwd()
    os.chdir("/")
    return {"env": found, "left": left, "cwd": cwd}


def fails(work, conf, backend):
    raise ValueError("first line\nsecond line")


def fails_for_good(work, conf, backend):
    raise AirflowFailException("never again")


def skips(work, conf, backend):
    raise AirflowSkipException("not today")


def exits(work, conf, backend):
    sys.exit(3)


def os_exits(work, conf, backend):
    print("about to leave")
    os._exit(7)


def segfaults(work, conf, backend):
    print("before the fall")
    ctypes.string_at(0)


def kills_itself(work, conf, backend):
    import signal

    os.kill(os.getpid(), signal.SIGKILL)


def touches(work, conf, backend):
    with open(conf["file"], "a") as file:
        file.write(f"{work.attempt.task} {work.attempt.index} {os.getpid()}\n")


def sleeps(work, conf, backend):
    """Say that it began, then sleep for long."""
    with open(conf["file"], "a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(1000)


def heeds(work, conf, backend):
    try:
        sleeps(work, conf, backend)
    finally:
        print("cleaned up")


def loops_in_c(work, conf, backend):
    with open(conf["file"], "a") as file:
        file.write(f"{os.getpid()}\n")
    ctypes.PyDLL(None).sleep(1000)  # holds the interpreter's lock


def starts_program(work, conf, backend):
    program = subprocess.Popen(["sleep", "1000"])
    with open(conf["file"], "a") as file:
        file.write(f"{program.pid}\n")
    if conf.get("wait"):
        program.wait()
    return os.getpid()


def starts_thread(work, conf, backend):
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    return os.getpid()


def forks(work, conf, backend):
    if os.fork() == 0:
        print("from the copy")
        return "of the copy"
    os.wait()
    print("from the original")
    return "of the original"


def prints(work, conf, backend):
    print("one")
    print("two", file=sys.stderr)
    print("three")
    logging.getLogger("my.module").warning("four")
    time.sleep(0.02)  # what native code prints has no stamp: its time is when it arrives
    os.write(2, b"five\n")
    time.sleep(0.02)
    print("sixth, no end", end="")


def alternates(work, conf, backend):
    for number in range(200):
        print(number, file=sys.stderr if number % 3 else sys.stdout)


def prints_much(work, conf, backend):
    line = "x" * 99
    for _ in range(conf["lines"]):
        print(line)


def prints_oddly(work, conf, backend):
    os.write(1, b"not \xff utf-8\n")
    os.write(1, b"y" * 40_000 + b"\n")
    print("10%\r20%\r30%")
    os.system("echo from a program")


def closes_stdout(work, conf, backend):
    sys.stdout.close()
    os.close(1)
    os.close(2)
    return "done"


def unpicklable(work, conf, backend):
    return threading.Lock()


def eats(work, conf, backend):
    held = []
    while True:
        held.append(bytearray(20 * 1024 * 1024))
        time.sleep(0.01)


def asks(work, conf, backend):
    pulled = backend.pull(work.attempt.run, ["up", "other"], "return_value", None)
    return {
        "pulled": [[one.task, one.index, one.value] for one in pulled],
        "mapped": [backend.is_mapped(work.attempt.run, task) for task in ("up", "other")],
        "variable": backend.variable("colour"),
    }


def gives_frame(work, conf, backend):
    import pandas

    return pandas.DataFrame({"a": range(conf["rows"]), "b": 1.5})


async def naps(work, conf, backend):
    print("before", work.attempt.index)
    await asyncio.sleep(conf["seconds"])
    logging.info("after %s", work.attempt.index)
    return work.attempt.index


async def naps_long(work, conf, backend):
    with open(conf["file"], "a") as file:
        file.write(f"{os.getpid()}\n")
    await asyncio.sleep(1000)


async def blocks(work, conf, backend):
    with open(conf["file"], "a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(1000)


def prints_then_touches(work, conf, backend):
    """Print, wait for a file `<file>.go`, print again."""
    print("before")
    while not os.path.exists(conf["file"] + ".go"):
        time.sleep(0.01)
    print("after")
    touches(work, conf, backend)


def gives_text(work, conf, backend):
    return "x" * conf["size"]


def has_modules(work, conf, backend):
    return [name in sys.modules for name in conf["names"]]


def writes_everywhere(work, conf, backend):
    for fd in range(3, 20):
        with contextlib.suppress(OSError):
            os.write(fd, b"\xff" * 100)
    time.sleep(1000)


def pushes_much(work, conf, backend):
    for number in range(40):
        backend.push(f"k{number}", "x" * 50_000 + str(number))
