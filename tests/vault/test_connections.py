"""Connections: as URI and JSON, from the environment and the store, in code and templates."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock import DAG, BaseHook, BashOperator, Connection, task
from penstock.authoring import hooks
from penstock.authoring.connections import ConnectionFieldsError
from penstock.authoring.exceptions import (
    AirflowException,
    AirflowNotFoundException,
    AirflowRuntimeError,
)
from tests.authoring.world import World, run_dag

# ---------------------------------------------------------------- URIs

DOCUMENTED: list[tuple[str, dict[str, Any]]] = [
    (
        "my-conn-type://my-login:my-password@my-host:5432/my-schema?param1=val1&param2=val2",
        {
            "conn_type": "my_conn_type",
            "login": "my-login",
            "password": "my-password",
            "host": "my-host",
            "port": 5432,
            "schema": "my-schema",
            "extra_dejson": {"param1": "val1", "param2": "val2"},
        },
    ),
    (
        "my-conn-type://login:password@host:1234/?param1=val1&param2=val2",
        {"port": 1234, "schema": "", "extra_dejson": {"param1": "val1", "param2": "val2"}},
    ),
    (
        "my-conn-type://my-login:my-pa%2Fssword@my-host:5432/my-schema?param1=val1",
        {"password": "my-pa/ssword"},
    ),
    (
        "my-conn-type://my-protocol://my-login:my-password@my-host:5432/my-schema",
        {"host": "my-protocol://my-host", "login": "my-login", "port": 5432},
    ),
    (
        "google-cloud-platform:///?key_path=%2Fkeys%2Fkey.json&num_retries=5",
        {
            "conn_type": "google_cloud_platform",
            "extra_dejson": {"key_path": "/keys/key.json", "num_retries": "5"},
        },
    ),
    ("postgresql://host/db", {"conn_type": "postgres", "host": "host", "schema": "db"}),
    ("http://https://example.com:8443/v1", {"host": "https://example.com", "port": 8443}),
    ("spark://yarn%3A8080", {"host": "yarn:8080"}),
    (
        "aws:///?__extra__=%7B%22a%22%3A+%7B%22b%22%3A+%5B1%2C+2%5D%7D%7D",
        {"extra_dejson": {"a": {"b": [1, 2]}}},
    ),
]


@pytest.mark.parametrize(("uri", "fields"), DOCUMENTED)
def test_a_documented_uri_says_what_it_says(uri: str, fields: dict[str, Any]) -> None:
    made = Connection(conn_id="x", uri=uri)
    assert {name: getattr(made, name) for name in fields} == fields
    assert Connection(conn_id="x", uri=made.get_uri()) == made


PART = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12)
EXTRAS = st.one_of(
    st.none(),
    st.dictionaries(PART, PART, min_size=1, max_size=3).map(json.dumps),
    st.dictionaries(PART, st.integers() | st.lists(st.booleans()), min_size=1).map(json.dumps),
)


@given(
    conn_type=st.sampled_from(["postgres", "google_cloud_platform", "http"]),
    host=st.sampled_from(["example.com", "https://example.com", "10.0.0.1", "a,b", "x y"]),
    login=PART,
    password=st.none() | PART,
    schema=PART,
    port=st.none() | st.integers(1, 65535),
    extra=EXTRAS,
)
def test_what_a_connection_writes_as_a_uri_it_reads(**fields: Any) -> None:
    made = Connection(conn_id="x", **fields)
    read = Connection(conn_id="x", uri=made.get_uri())
    assert read.extra_dejson == made.extra_dejson
    read.extra = made.extra
    assert read == made


@given(
    login=st.none() | PART,
    password=st.none() | PART,
    schema=st.none() | PART,
    port=st.none() | st.integers(1, 65535),
    extra=EXTRAS,
    description=st.none() | PART,
)
def test_what_a_connection_writes_as_json_it_reads(**fields: Any) -> None:
    made = Connection(conn_id="x", conn_type="my_type", **fields)
    assert Connection.from_json(made.as_json(), conn_id="x") == made


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("hunter2hunter2", "no URI of a connection"),
        ("http://a://b://hunter2", "no URI of a connection"),
        ("x://u:hunter2@https://host", "only the host may bring a protocol"),
        ("x://u:hunter2@host:port/", "the port is a number"),
        ("x://u:hunter2@host:99999/", "the port is a number"),
        ("x://u:hunter2@[::1/", "the port is a number"),
        ("", "no URI of a connection"),
    ],
)
def test_what_is_no_uri_is_refused_without_showing_it(uri: str, sentence: str) -> None:
    with pytest.raises(ConnectionFieldsError, match=sentence) as caught:
        Connection(conn_id="lake", uri=uri)
    assert "'lake'" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "this is no JSON"),
        ("[" * 100_000, "this is no JSON"),
        ("[]", "is no object"),
        ('{"conn_type": "x", "passwort": "hunter2"}', "no field 'passwort' .there are: conn_type"),
        ('{"conn_type": "x", "port": "hunter2"}', "`port` has to be a number"),
        ('{"conn_type": "x", "port": 65536}', "`port` has to be a number"),
        ('{"conn_type": "x", "password": ["hunter2"]}', "`password` has to be a text"),
        ('{"extra": {"a": 1}, "extra_dejson": {}}', "Leave one out"),
        ('{"conn_id": "other"}', "another `conn_id`"),
    ],
)
def test_what_is_no_connection_is_refused_without_showing_it(text: str, sentence: str) -> None:
    with pytest.raises(ConnectionFieldsError, match=sentence) as caught:
        Connection.from_json(text, conn_id="lake")
    assert "hunter2" not in str(caught.value)


def test_a_uri_and_fields_do_not_mix() -> None:
    with pytest.raises(AirflowException, match="not both"):
        Connection(conn_id="x", uri="http://a", host="b")


def test_extra_is_read_as_it_is_meant() -> None:
    assert Connection(conn_id="x", extra={"a": 1}).extra == '{"a": 1}'
    assert Connection(conn_id="x", extra="no json").extra_dejson == {}
    assert Connection(conn_id="x").extra_dejson == {}
    nested = Connection(conn_id="x", extra={"a": '{"b": 1}', "c": "d"})
    assert nested.get_extra_dejson(nested=True) == {"a": {"b": 1}, "c": "d"}


def test_a_connection_shows_itself_without_its_secrets() -> None:
    made = Connection("lake", "postgres", host="h", password="hunter2", extra={"token": "hunter2"})
    assert repr(made) == "Connection('lake', conn_type='postgres', host='h')"


# ---------------------------------------------------------------- looked up

LAKE = {
    "conn_type": "postgres",
    "host": "db.example",
    "password": "hunter2-s3cret",
    "extra": '{"token": "tok-abcdef", "mode": "require"}',
}


@pytest.mark.parametrize("prefix", ["PENSTOCK_CONN_", "AIRFLOW_CONN_"])
@pytest.mark.parametrize(
    "said", ["http://u:pw123@there/s", ' {"conn_type": "http", "host": "there"}\n']
)
def test_the_environment_goes_before_the_store(
    monkeypatch: pytest.MonkeyPatch, prefix: str, said: str
) -> None:
    monkeypatch.setenv(prefix + "LAKE", said)
    assert Connection.get("lake").host == "there"  # outside of a task, too
    assert BaseHook.get_connection("lake").conn_type == "http"


def test_a_task_reads_the_store_and_what_is_secret_is_masked() -> None:
    with DAG("d", schedule=None) as dag:

        @task
        def read() -> list[Any]:
            one = BaseHook.get_connection("lake")
            other = asyncio.run(BaseHook.aget_connection("lake"))
            assert one == other
            return [one.conn_id, one.host, one.password, one.extra_dejson["mode"]]

        read()
    world = World(connections={"lake": LAKE})
    run_dag(dag, world=world)
    assert world.value("read") == ["lake", "db.example", "hunter2-s3cret", "require"]
    assert {"hunter2-s3cret", "tok-abcdef"} <= {*world.masked}
    assert "require" not in world.masked


def test_templates_have_connections() -> None:
    text = (
        "{{ conn.lake.host }} {{ conn['lake'].port }} {{ conn.lake.extra_dejson.mode }} "
        "{{ conn.get('absent', conn.lake).host }} {{ conn.get('absent') }}"
    )
    with DAG("d", schedule=None) as dag:
        BashOperator(task_id="say", bash_command=f"echo '{text}'")
    world = World(connections={"lake": LAKE | {"port": 5432}})
    run_dag(dag, world=world)
    assert world.value("say") == "db.example 5432 require db.example None"


def test_a_connection_that_is_not_there_says_how_to_set_it() -> None:
    with DAG("d", schedule=None) as dag:

        @task
        def read() -> None:
            Connection.get("absent")

        read()
    world = World()
    run_dag(dag, world=world)
    error = world.errors["read", -1]
    assert isinstance(error, AirflowNotFoundException)
    assert "The conn_id `absent` isn't defined" in str(error)
    assert "penstock connections set" in str(error)


def test_outside_of_a_task_nothing_is_stored() -> None:
    with pytest.raises(AirflowRuntimeError, match="PENSTOCK_CONN_LAKE"):
        Connection.get("lake")


# ---------------------------------------------------------------- hooks


class LakeHook(BaseHook):
    conn_name_attr = "lake_conn_id"

    def __init__(self, lake_conn_id: str = "lake", deep: bool = False) -> None:
        super().__init__()
        self.lake_conn_id, self.deep = lake_conn_id, deep

    def test_connection(self) -> tuple[bool, str]:
        return True, "it is wet"


def test_a_connection_s_type_finds_the_hook_of_an_installed_provider(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hooks, "hook_classes", lambda: {"lake": f"{__name__}.LakeHook"})
    monkeypatch.setenv("AIRFLOW_CONN_MINE", "lake://")
    hook = BaseHook.get_hook("mine", hook_params={"deep": True})
    assert (hook.lake_conn_id, hook.deep) == ("mine", True)
    assert hook.log.name == f"airflow.task.hooks.{__name__}.LakeHook"
    assert Connection("mine", "lake").test_connection() == (True, "it is wet")
    with pytest.raises(AirflowException, match=r"'sea', which has no hook.*known: lake"):
        Connection("mine", "sea").get_hook()
