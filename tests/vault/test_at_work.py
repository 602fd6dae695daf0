"""Secrets in a daemon at work: tasks have them, and nobody else finds them anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.store.vault import new_key
from tests.badinput.daemon import Daemon, daemon
from tests.cli.shell import Shell

SECRETS = {
    "variable": "hunter2-s3cret",
    "password": "pa/ss-w0rd",
    "in_extra": "KEYKEYKEY",
    "in_json": "tok-abcdefg",
    "by_task": "made-by-a-task",
    "masked": "told-by-hand",
    "in_environment": "env-pa55word",
}
FORMS = [*SECRETS.values(), "pa%2Fss-w0rd"]

DAGS = """
    import asyncio, logging, os, subprocess, sys, threading
    from airflow.sdk import DAG, BaseHook, Connection, Variable, task
    from airflow.sdk.log import mask_secret
    from airflow.providers.standard.operators.bash import BashOperator

    with DAG("secret", schedule=None):
        @task(retries=0)
        def leak():
            value = Variable.get("db_password")
            lake, from_env = BaseHook.get_connection("lake"), Connection.get("of_env")
            Variable.set("new_token", "made-by-a-task")
            Variable.get("cfg", deserialize_json=True)
            mask_secret(["told-by-hand", "ordinary-word"])
            print("printed", value, lake.password, lake.get_uri(), lake.extra_dejson)
            print("more", Variable.get("cfg"), from_env.password, Variable.get("new_token"))
            logging.getLogger("mine").warning("logged %s told-by-hand", value)
            sys.stdout.write("split " + value[:4])
            sys.stdout.flush()
            sys.stdout.write(value[4:] + "\\n")
            os.write(1, b"native " + value[:6].encode())
            os.write(1, value[6:].encode() + b"\\n")
            subprocess.run(["sh", "-c", f"echo program {value} >&2"])
            thread = threading.Thread(target=lambda: print("thread", Variable.get("db_password")))
            thread.start()
            thread.join()
            print("key", os.environ.get("PENSTOCK_SECRET_KEY"))
            raise ValueError(f"it broke at {value}")
        leak()

    with DAG("templates", schedule=None):
        BashOperator(
            task_id="say",
            bash_command="echo said {{ conn.lake.host }} {{ conn.lake.password }} "
            "{{ var.value.db_password }} {{ var.json.cfg.token }}",
            do_xcom_push=False,
        )

    with DAG("innocent", schedule=None):
        @task
        def say():
            print("ordinary-word is no secret of mine")
        say()

    with DAG("coroutines", schedule=None):
        @task
        async def one():
            lake = await BaseHook.aget_connection("lake")
            await asyncio.sleep(0.01)
            print("one", lake.password)
        @task
        async def other():
            in_thread = await asyncio.to_thread(Variable.get, "db_password")
            print("other", in_thread, Variable.get("db_password"))
        one()
        other()

    from lake_waits import Waits
    with DAG("waits", schedule=None):
        Waits(task_id="wait")
"""

TOP = """
    from airflow.sdk import DAG, BaseHook, Variable, task

    COUNT = int(Variable.get("count", default=1))
    PASSWORD = Variable.get("db_password")
    HOST = BaseHook.get_connection("lake").host
    with DAG("top", schedule=None):
        for number in range(COUNT):
            @task(task_id=f"say_{number}")
            def say():
                print("top", HOST, COUNT, PASSWORD)
            say()
"""

TOP_WRONG = """
    from airflow.sdk import DAG, Variable
    with DAG("wrong", schedule=None):
        pass
    raise ValueError("broken at " + Variable.get("db_password"))
"""

WAITS = """
    from airflow.sdk import BaseHook, BaseOperator
    from penstock.authoring.triggers import BaseTrigger, TriggerEvent

    class LakeTrigger(BaseTrigger):
        def serialize(self):
            return "lake_waits.LakeTrigger", {}

        async def run(self):
            lake = await BaseHook.aget_connection("lake")
            print("trigger", lake.password)
            yield TriggerEvent(lake.host)

    class Waits(BaseOperator):
        def execute(self, context):
            self.defer(trigger=LakeTrigger(), method_name="go_on")

        def go_on(self, context, event=None):
            print("heard", event, BaseHook.get_connection("lake").password)
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    shell = Shell(tmp_path_factory.mktemp("secrets"))
    shell.write("dags/secret.py", DAGS)
    shell.write("dags/lake_waits.py", WAITS)
    environment = {"AIRFLOW_CONN_OF_ENV": f"http://u:{SECRETS['in_environment']}@h"}
    with daemon(shell, **environment) as one:
        one.until_known("secret", "templates", "coroutines", "waits")
        uri = "postgres://ada:pa%2Fss-w0rd@db.example:5432/lake?mode=x&api_key=KEYKEYKEY"
        for command in (
            ("variables", "set", "db_password", SECRETS["variable"]),
            ("variables", "set", "cfg", json.dumps({"token": SECRETS["in_json"], "n": 1})),
            ("connections", "set", "lake", "--uri", uri),
        ):
            assert one(*command).code == 0
        yield one


def log_of(up: Daemon, dag: str, task: str) -> str:
    up("trigger", dag, "--run-id", "r", "--wait")
    return up("logs", f"{dag}/r", task).out


def test_whatever_prints_a_secret_it_is_masked(up: Daemon) -> None:
    said = log_of(up, "secret", "leak")
    assert not [form for form in FORMS if form in said], said
    for line in (
        "printed *** *** postgres://ada:***@db.example:5432/lake?mode=x&api_key=*** {'mode': 'x'",
        'more {"token": "***", "n": 1} *** ***',
        "logged *** ***",
        "split ***",
        "native ***",
        "program ***",
        "thread ***",
        "ValueError: it broke at ***",
    ):
        assert line in said, said
    (leak,) = up.run("secret/r").values()
    assert leak["reason"] == "ValueError: it broke at ***"


def test_user_code_has_no_key(up: Daemon) -> None:
    assert "key None" in log_of(up, "secret", "leak")


def test_templates_have_secrets_and_their_output_is_masked(up: Daemon) -> None:
    assert "said db.example *** *** ***" in log_of(up, "templates", "say")


def test_what_one_task_was_given_is_not_masked_in_another_s_output(up: Daemon) -> None:
    log_of(up, "secret", "leak")
    assert "ordinary-word is no secret of mine" in log_of(up, "innocent", "say")


def test_coroutines_and_their_threads_ask_and_are_masked(up: Daemon) -> None:
    assert "one ***" in log_of(up, "coroutines", "one")
    assert "other *** ***" in log_of(up, "coroutines", "other")
    assert up("runs", "show", "coroutines/r", "--json").document["state"] == "success"


def test_a_trigger_asks_and_is_masked(up: Daemon) -> None:
    said = log_of(up, "waits", "wait")
    assert "heard db.example ***" in said
    assert not [form for form in FORMS if form in said], said


def test_the_top_level_of_a_dag_file_has_what_is_stored(up: Daemon) -> None:
    assert up("variables", "set", "count", "2").code == 0
    up.shell.write("dags/top.py", TOP)
    up.until_known("top")
    for task in ("say_0", "say_1"):
        assert "top db.example 2 ***" in log_of(up, "top", task)
    # A task that runs later has the file read anew, as what it looked up may have changed.
    assert up("variables", "set", "db_password", SECRETS["variable"] + "-new").code == 0
    up("trigger", "top", "--run-id", "again", "--wait")
    assert "top db.example 2 ***\n" in up("logs", "top/again", "say_1").out + "\n"
    assert up("variables", "set", "db_password", SECRETS["variable"]).code == 0


def test_the_error_of_a_dag_file_is_masked(up: Daemon) -> None:
    file = up.shell.write("wrong.py", TOP_WRONG)
    refused = up("run", file)
    assert refused.code == 1
    assert "ValueError: broken at ***" in refused.err
    assert not [form for form in FORMS if form in refused.err], refused.err


def test_answers_mask_secrets_unless_told_to_show_them(up: Daemon) -> None:
    hidden = up("variables", "get", "db_password")
    assert (hidden.code, hidden.out) == (2, "")
    assert "--show" in hidden.err
    assert up("variables", "get", "db_password", "--show").out == SECRETS["variable"] + "\n"
    listed = up("variables", "list").out + up("connections", "list", "--json").out
    listed += up("connections", "get", "lake").out
    assert not [form for form in FORMS if form in listed], listed
    shown = up("connections", "get", "lake", "--show", "--json").document
    assert (shown["password"], "pa%2Fss-w0rd" in shown["uri"]) == (SECRETS["password"], True)


def test_what_airflow_exported_is_taken_over_and_written_again(up: Daemon) -> None:
    write, folder = up.shell.write, up.shell.folder
    write("v.json", '{"of_airflow": {"n": 1}, "told": {"value": "x", "description": "why"}}')
    write("c.yaml", "sea: {conn_type: http, host: sea.example, password: deep-blue, extra: null}\n")
    write("p.json", '{"diving": {"slots": 3, "description": "", "include_deferred": false}}')
    files = ("--variables", "v.json", "--connections", "c.yaml", "--pools", "p.json")
    assert up("import", "airflow", *files).code == 0
    assert {"name": "diving", "slots": 3} in up("pool", "list", "--json").document
    assert up("connections", "export", "out.yaml").code == 0
    assert "deep-blue" in (folder / "out.yaml").read_text()
    assert up("variables", "export", "-", "--format", "json").document["of_airflow"] == {"n": 1}
    assert up("connections", "delete", "sea").code == 0
    again = up("connections", "import", "out.yaml", "--existing", "skip", "--json").document
    assert again == {"set": ["sea"], "skipped": ["lake"]}
    wrong = up("import", "airflow", "--variables", "v.json", "--pools", "absent.json")
    assert (wrong.code, "absent.json" in wrong.err) == (2, True)


def test_a_rotated_key_opens_everything(up: Daemon) -> None:
    assert up("secrets", "rotate").code == 0
    assert up("variables", "get", "db_password", "--show").out == SECRETS["variable"] + "\n"


def test_nothing_on_disk_is_plain(up: Daemon) -> None:
    log_of(up, "secret", "leak")
    log_of(up, "templates", "say")
    up("trigger", "nowhere", "--conf", "{}")
    assert found_in(up.home, FORMS) == {}


def found_in(folder: Path, texts: list[str]) -> dict[str, list[str]]:
    found = {}
    for file in folder.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            held = [text for text in texts if text.encode() in data]
            if held:
                found[str(file)] = held
    return found


def test_a_daemon_without_its_key_says_so_and_goes_on(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    with daemon(shell, PENSTOCK_SECRET_KEY=new_key()) as one:
        assert one("variables", "set", "db_password", SECRETS["variable"]).code == 0
    assert not (tmp_path / "home" / "secret.key").exists()
    with daemon(shell, PENSTOCK_SECRET_KEY=new_key()) as other:
        refused = other("variables", "get", "db_password")
        assert refused.code == 1
        assert "sealed with a key that is not here" in refused.err
        other.goes_on()
    assert found_in(tmp_path / "home", FORMS) == {}
