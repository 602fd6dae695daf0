"""The examples of docs/contract.md, as they stand there, against a daemon."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import shutil
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from nats.aio.client import Client as Nats

from penstock.events.contract import CHANNELS

from .conftest import Daemon, environment

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "contract.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


async def run(command: list[str], code: str, key: dict[str, str], folder: Path) -> list[str]:
    """Run an example; return the words of its last line."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environment(key),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate(code.replace("nightly", "quick").encode())
    assert process.returncode == 0
    return said.decode().splitlines()[-1].split()


async def test_the_python_example_runs(daemon: Daemon, both: dict[str, str]) -> None:
    [code] = blocks("python")
    _, run_id, state = await run([sys.executable, "-"], code, both, daemon.shell.folder)
    assert run_id.startswith("event__")
    assert state == "success"


@pytest.mark.node
@pytest.mark.skipif(
    shutil.which("node") is None or not (ROOT / "examples" / "node_modules").exists(),
    reason="needs Node.js and `npm install` in examples/",
)
async def test_the_javascript_example_runs(both: dict[str, str]) -> None:
    [code] = blocks("javascript")
    command = ["node", "--input-type=module"]
    run_id, state = await run(command, code, both, ROOT / "examples")
    assert run_id.startswith("event__")
    assert state == "success"


async def test_the_commands_ask_as_they_should(wire: Nats) -> None:
    """What the `nats` command would send, sent by another client."""
    lines = [line for line in "\n".join(blocks("sh")).splitlines() if line.startswith("nats req")]
    assert len(lines) == 5
    for line in lines:
        _, _, subject, payload, *options = shlex.split(line.replace("nightly", "quick"))
        headers = dict(text.split(":", 1) for sign, text in pairwise(options) if sign == "-H")
        answer = await wire.request(subject, payload.encode(), timeout=10, headers=headers or None)
        if subject.startswith("$JS"):
            assert answer.headers is not None
            assert answer.headers["Nats-Subject"].startswith("penstock.event.")
        else:
            said = json.loads(answer.data)
            assert said.get("stream") == "TRIGGERS" or said["dag_id"] == "quick"


def test_the_page_names_every_subject() -> None:
    for channel in CHANNELS:
        subject = channel.subject.replace("{prefix}", "penstock")
        for name in ("run_state", "task_state"):
            subject = subject.replace(name, "state")
        assert f"`{subject.replace('{', '<').replace('}', '>')}`" in PAGE
