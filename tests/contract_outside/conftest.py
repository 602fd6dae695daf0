"""A daemon as other services meet it: `penstock up --nats-port`, keys of their own, DAG files."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import nats
import pytest
from nats.aio.client import Client as Nats

from penstock.events import Client
from tests.cli.shell import Done, Shell

SHARED = Path(__file__).parents[2].parent / "shared" / "article_dag.py"
"""The article's DAG where it lies beside the project; else one of the same shape is written."""

ARTICLE = """
    from __future__ import annotations
    import pendulum
    from airflow.models.dag import DAG
    from airflow.operators.python import PythonOperator

    def fetch():
        return "data_v1.csv"

    def preprocess(**kwargs):
        assert kwargs["ti"].xcom_pull(task_ids="fetch_data") == "data_v1.csv"
        return "processed_data_v1.parquet"

    def train(**kwargs):
        assert kwargs["ti"].xcom_pull(task_ids="preprocess_data").endswith(".parquet")
        return "model_v1.pkl"

    def evaluate(**kwargs):
        assert kwargs["ti"].xcom_pull(task_ids="train_model") == "model_v1.pkl"
        return {"accuracy": 0.95}

    def deploy(**kwargs):
        accuracy = kwargs["ti"].xcom_pull(task_ids="evaluate_model")["accuracy"]
        print(f"Deploying model with accuracy {accuracy}...")

    with DAG(
        dag_id="ml_retraining_pipeline",
        schedule="@daily",
        start_date=pendulum.datetime(2023, 1, 1, tz="UTC"),
        catchup=False,
    ):
        names = ["fetch_data", "preprocess_data", "train_model", "evaluate_model", "deploy_model"]
        tasks = [
            PythonOperator(task_id=name, python_callable=function)
            for name, function in zip(names, [fetch, preprocess, train, evaluate, deploy])
        ]
        for before, after in zip(tasks, tasks[1:]):
            before >> after
"""

DAGS = """
    from penstock import DAG, Param, task
    from penstock.steps.empty import EmptyOperator

    with DAG("quick", schedule=None):
        EmptyOperator(task_id="only")

    with DAG("dotted.id", schedule=None):
        EmptyOperator(task_id="with.dots")

    with DAG("picky", schedule=None, params={"rows": Param(1, type="integer", minimum=1)}):
        @task
        def count(params=None):
            return params["rows"]
        count()

    with DAG("moods", schedule=None):
        @task
        def each(n):
            if n == 1:
                from airflow.exceptions import AirflowSkipException
                raise AirflowSkipException("not today")
            return n
        @task(retries=1, retry_delay=0.01)
        def second_time(ti=None):
            if ti.try_number == 1:
                raise ValueError("not yet")
        @task
        def never():
            raise ValueError("the lake is empty")
        @task
        def after(x):
            return x
        each.expand(n=[0, 1, 2])
        second_time()
        after(never())
"""


class Daemon(NamedTuple):
    """A daemon that runs. port: where it lets others in."""

    shell: Shell
    home: Path
    port: int

    def __call__(self, *arguments: object) -> Done:
        """Run a command against it."""
        return self.shell.penstock(*arguments, "--home", self.home)

    def document(self, *arguments: object) -> Any:
        done = self(*arguments, "--json")
        assert done.code == 0, done.err
        return done.document

    def key(self, name: str, role: str) -> dict[str, str]:
        """Let a service in."""
        return dict(self.document("access", "add", name, "--role", role))


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    shell = Shell(tmp_path_factory.mktemp("outside"))
    shell.write("dags/own.py", DAGS)
    article = SHARED.read_text() if SHARED.exists() else ARTICLE
    shell.write("dags/article.py", article)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = shell.folder / "home"
    with shell.up(home, "--dags", "dags", "--slots", "2", "--nats-port", port):
        yield Daemon(shell, home, port)


@pytest.fixture(scope="session")
def both(daemon: Daemon) -> dict[str, str]:
    return daemon.key("billing", "both")


@pytest.fixture
async def client(both: dict[str, str]) -> AsyncIterator[Client]:
    async with Client.connect(both["url"], nkey_seed=both["nkey_seed"]) as connected:
        yield connected


@pytest.fixture
async def wire(both: dict[str, str]) -> AsyncIterator[Nats]:
    """A plain NATS client with the same key: what a service in any language has."""
    connected = await nats.connect(both["url"], nkeys_seed_str=both["nkey_seed"])
    yield connected
    await connected.close()


def environment(key: dict[str, str]) -> dict[str, str]:
    """What examples/other_service.mjs reads."""
    named = {"PENSTOCK_NATS": key["url"], "PENSTOCK_NKEY_SEED": key["nkey_seed"]}
    return {**os.environ, **named}
