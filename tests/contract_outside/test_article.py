"""The article's DAG: by itself, on a daemon, by an event from JavaScript, by one from Python."""

from __future__ import annotations

import asyncio
import json
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from penstock.events import Client

from .conftest import Daemon, environment

DAG_ID = "ml_retraining_pipeline"
EXAMPLES = Path(__file__).parents[2] / "examples"
TASKS = ["fetch_data", "preprocess_data", "train_model", "evaluate_model", "deploy_model"]
XCOMS = {
    "fetch_data": "data_v1.csv",
    "preprocess_data": "processed_data_v1.parquet",
    "train_model": "model_v1.pkl",
    "evaluate_model": {"accuracy": 0.95},
}


def judge(found: dict[str, Any]) -> None:
    """Hold a run's document to what the article says."""
    assert (found["dag_id"], found["state"]) == (DAG_ID, "success")
    assert [task["task_id"] for task in found["tasks"]] == TASKS
    assert {(task["state"], task["try_number"]) for task in found["tasks"]} == {("success", 1)}
    for before, after in pairwise(found["tasks"]):
        assert before["ended_at"] <= after["started_at"]
    assert {one["task_id"]: one["value"] for one in found["xcoms"]} == XCOMS


def judge_on(daemon: Daemon, run_id: str) -> None:
    run = f"{DAG_ID}/{run_id}"
    judge(daemon.document("runs", "show", run, "--xcoms"))
    lines = daemon.document("logs", run, "deploy_model")["lines"]
    assert "Deploying model with accuracy 0.95..." in [line["text"] for line in lines]


def judge_notices(notices: list[dict[str, Any]]) -> None:
    """Hold the notices of such a run to their order: one task's end before the next one's start."""
    assert [one["sequence"] for one in notices] == list(range(1, len(notices) + 1))
    told = [(one["data"].get("task_id"), one["data"]["state"]) for one in notices]
    assert told[0] == (None, "queued")
    assert told[-1] == (None, "success")
    ends = [task for task, state in told if task and state == "success"]
    assert ends == TASKS
    for before, after in pairwise(TASKS):
        assert told.index((before, "success")) < min(
            place for place, (task, _) in enumerate(told) if task == after
        )


def test_it_runs_by_itself(daemon: Daemon) -> None:
    done = daemon.shell.penstock("run", "dags/article.py", "--json", "--xcoms", "--verbose")
    assert done.code == 0, done.err
    judge(done.document)
    assert "Deploying model with accuracy 0.95..." in done.err


def test_it_runs_on_a_daemon(daemon: Daemon) -> None:
    found = daemon.document("trigger", DAG_ID, "--wait")
    assert (found["dag_id"], found["state"]) == (DAG_ID, "success")
    judge_on(daemon, found["run_id"])


@pytest.mark.node
@pytest.mark.skipif(
    shutil.which("node") is None or not (EXAMPLES / "node_modules").exists(),
    reason="needs Node.js and `npm install` in examples/",
)
async def test_it_runs_by_an_event_from_javascript(daemon: Daemon, both: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        "node",
        str(EXAMPLES / "other_service.mjs"),
        DAG_ID,
        '{"rows": 3}',
        env=environment(both),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    notices = [json.loads(line) for line in said.splitlines()]
    judge_notices(notices)
    run_id = notices[0]["data"]["run_id"]
    judge_on(daemon, run_id)
    found = daemon.document("runs", "show", f"{DAG_ID}/{run_id}")
    assert found["run_id"] == run_id


async def test_it_runs_by_an_event_from_python(daemon: Daemon, client: Client) -> None:
    place = await client.position()
    await client.trigger(DAG_ID, run_id="from-python")
    heard: list[dict[str, Any]] = []
    async for notice in client.notices(f"event.*.{DAG_ID}.>", after=place):
        if notice["data"]["run_id"] == "from-python":
            heard.append(notice)
            if notice["type"] == "penstock.run.success":
                break
    judge_notices(heard)
    judge_on(daemon, "from-python")
