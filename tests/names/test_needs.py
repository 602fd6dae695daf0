"""What provider packages import of `airflow.*` does what they count on."""

from __future__ import annotations

import copy
import datetime as dt
import os
import pickle
import signal
import sys
import types
from collections.abc import Iterator
from enum import Enum
from typing import Any

import pytest

from penstock.airflow import finder


@pytest.fixture(autouse=True)
def served() -> Iterator[None]:
    finder.install()
    yield
    finder.uninstall()


def asked(path: str) -> Any:
    """What `from module import name` gives."""
    module, _, name = path.rpartition(".")
    found: dict[str, Any] = {}
    exec(f"from {module} import {name} as it", found)
    return found["it"]


# ---------------------------------------------------------------- settings


@pytest.fixture
def conf() -> Any:
    assert asked("airflow.configuration.conf") is asked("airflow.sdk.configuration.conf")
    return asked("airflow.sdk.conf")


def test_a_setting_is_the_environment_s_then_the_default_then_the_fallback(
    conf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert conf.getboolean("operators", "default_deferrable", fallback=True) is False
    assert conf.get("aws", "nothing", fallback=None) is None
    monkeypatch.setenv("AIRFLOW__AWS__NOTHING", "theirs")
    assert conf.get("aws", "nothing", fallback=None) == "theirs"
    monkeypatch.setenv("PENSTOCK__AWS__NOTHING", "ours")
    assert conf.get("AWS", "Nothing") == "ours"
    assert conf.getsection("aws") == {"nothing": "ours"}
    assert conf.has_option("aws", "nothing")
    assert not conf.has_option("aws", "else")


def test_a_setting_that_nobody_knows_says_where_to_set_it(conf: Any) -> None:
    error = asked("airflow.exceptions.AirflowConfigException")
    with pytest.raises(error, match="AIRFLOW__CORE__DAGS_FOLDER"):
        conf.get("core", "dags_folder")
    with pytest.raises(ValueError, match="must have a value"):
        conf.get_mandatory_value("core", "nothing", fallback=None)


class Colour(Enum):
    RED = "red"


def test_settings_have_types(conf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {
        "YES": "True", "ONE": "1", "PI": "3.14", "LIST": "a, b", "JSON": '{"a": 1}',
        "WHAT": "os.path.join", "COLOUR": "red", "SPAN": "60",
    }  # fmt: skip
    for name, value in said.items():
        monkeypatch.setenv(f"PENSTOCK__T__{name}", value)
    assert conf.getboolean("t", "yes") is True
    assert conf.getint("t", "one") == 1
    assert conf.getint("t", "none", fallback=None) is None
    assert conf.getfloat("t", "pi") == 3.14
    assert conf.getlist("t", "list") == ["a", "b"]
    assert conf.getjson("t", "json") == {"a": 1}
    assert conf.getimport("t", "what") is os.path.join
    assert conf.getimport("t", "absent", fallback=None) is None
    assert conf.getenum("t", "colour", Colour) is Colour.RED
    assert conf.gettimedelta("t", "span") == dt.timedelta(minutes=1)


@pytest.mark.parametrize(
    ("method", "wanted"),
    [("getboolean", "true or false"), ("getint", "whole number"), ("getfloat", "a number"),
     ("getjson", "JSON"), ("getimport", "cannot be imported"), ("gettimedelta", "seconds")],
)  # fmt: skip
def test_a_setting_of_the_wrong_type_is_a_sentence(
    conf: Any, monkeypatch: pytest.MonkeyPatch, method: str, wanted: str
) -> None:
    monkeypatch.setenv("PENSTOCK__T__BAD", "no.such.thing!")
    with pytest.raises(asked("airflow.exceptions.AirflowConfigException"), match=wanted):
        getattr(conf, method)("t", "bad")


# ---------------------------------------------------------------- lists, texts, modules


def test_pruning_keeps_what_airflow_keeps() -> None:
    prune = asked("airflow.utils.helpers.prune_dict")
    given = {"a": None, "b": {}, "c": [], "d": 0, "e": {"f": None}, "g": [None, {"h": None}, 0]}
    assert prune(given) == {"b": {}, "c": [], "d": 0, "e": {}, "g": [{}, 0]}
    assert prune(given, "truthy") == {}
    assert prune(given | {"j": {"k": 1, "l": ""}}, "truthy") == {"j": {"k": 1}}
    with pytest.raises(ValueError, match="'strict' and 'truthy'"):
        prune({}, "else")


def test_lists_and_dicts() -> None:
    helpers = "airflow.utils.helpers."
    assert list(asked(helpers + "chunks")([1, 2, 3], 2)) == [[1, 2], [3]]
    with pytest.raises(ValueError, match="at least 1"):
        list(asked(helpers + "chunks")([1], 0))
    merged = asked(helpers + "merge_dicts")({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 4}})
    assert merged == {"a": {"b": 4, "c": 2}, "d": 3}
    assert asked(helpers + "as_flattened_list")([[1], [2, 3]]) == [1, 2, 3]
    no, yes = asked(helpers + "partition")(lambda n: n > 1, [1, 2, 3])
    assert (list(no), list(yes)) == ([1], [2, 3])
    exactly, most = asked(helpers + "exactly_one"), asked(helpers + "at_most_one")
    assert exactly(1, 0, None)
    assert exactly("a", [])
    assert not exactly(1, 1)
    assert not exactly(0)
    assert most(0, 0)
    assert most(asked("airflow.sdk.definitions._internal.types.NOTSET"), 1)
    assert not most(1, 1)
    with pytest.raises(ValueError, match="one by one"):
        exactly([1, 2])


def test_texts() -> None:
    to_boolean = asked("airflow.utils.strings.to_boolean")
    assert [to_boolean(said) for said in ("Yes", "on", "1", "no", "", None)] == [True] * 3 + [
        False
    ] * 3
    assert len(asked("airflow.utils.strings.get_random_string")(5)) == 5
    assert asked("airflow.utils.helpers.convert_camel_to_snake")("TaskGroup") == "task_group"
    assert asked("airflow.utils.hashlib_wrapper.md5")(b"a").hexdigest().startswith("0cc175b9")
    check = asked("airflow.utils.helpers.validate_key")
    check("a-b.c_d")
    for bad, error in ((1, TypeError), ("a b", Exception), ("x" * 251, Exception)):
        with pytest.raises(error, match="key"):
            check(bad)


def test_modules_by_name() -> None:
    import_string = asked("airflow.sdk.module_loading.import_string")
    assert import_string("os.path.join") is os.path.join
    for path in ("os", "os.nothing", "nothing.at.all"):
        with pytest.raises(ImportError):
            import_string(path)
    qualname = asked("airflow.sdk.module_loading.qualname")
    assert qualname(dt.datetime) == qualname(dt.datetime(2020, 1, 1)) == "datetime.datetime"
    valid = asked("airflow.sdk._shared.module_loading.is_valid_dotpath")
    assert valid("a.b_c")
    assert not valid("a..b")
    with pytest.raises(ImportError):
        asked("airflow.utils.module_loading.import_string")  # gone in Airflow 3.3


def test_old_names_of_a_provider_lead_on_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    package = types.ModuleType("acme_provider")
    monkeypatch.setitem(sys.modules, "acme_provider", package)
    monkeypatch.delitem(sys.modules, "acme_provider.old", raising=False)
    add = asked("airflow.utils.deprecation_tools.add_deprecated_classes")
    add(
        {"old": {"join": "os.path.join", "*": "os"}, "acme_provider": {"sep": "os.sep"}},
        "acme_provider",
    )
    with pytest.warns(FutureWarning, match=r"acme_provider.old.join is an old path: import os"):
        assert asked("acme_provider.old.join") is os.path.join
    with pytest.warns(FutureWarning):
        assert asked("acme_provider.old.getcwd") is os.getcwd
    with pytest.warns(FutureWarning):
        assert asked("acme_provider.sep") == os.sep


# ---------------------------------------------------------------- processes, context, bases


def test_the_environment_is_patched_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_A", "before")
    monkeypatch.delenv("ACME_B", raising=False)
    patch = asked("airflow.utils.process_utils.patch_environ")
    with patch({"ACME_A": "within", "ACME_B": "new"}):
        assert (os.environ["ACME_A"], os.environ["ACME_B"]) == ("within", "new")
    assert os.environ["ACME_A"] == "before"
    assert "ACME_B" not in os.environ


def test_a_block_that_takes_too_long_times_out_and_gives_the_outer_timer_back() -> None:
    timeout = asked("airflow.sdk.execution_time.timeout.timeout")
    too_long = asked("airflow.exceptions.AirflowTaskTimeout")
    before = signal.setitimer(signal.ITIMER_REAL, 0)[0]  # the suite's own
    with timeout(60, "outer"):
        with pytest.raises(too_long, match="inner"), timeout(0.01, "inner"):
            signal.pause()
        assert 50 < signal.getitimer(signal.ITIMER_REAL)[0] < 60
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    signal.setitimer(signal.ITIMER_REAL, before)


def test_functions_are_given_what_they_take() -> None:
    determine = asked("airflow.utils.operator_helpers.determine_kwargs")
    assert determine(lambda ti, x: None, (), {"ti": 1, "x": 2, "y": 3}) == {"ti": 1, "x": 2}
    assert determine(lambda **all: None, (), {"ti": 1}) == {"ti": 1}
    with pytest.raises(ValueError, match="ti"):
        determine(lambda ti: None, (0,), {"ti": 1})
    called = asked("airflow.utils.operator_helpers.make_kwargs_callable")(lambda x: x)
    assert called(x=1, y=2) == 1


def test_what_is_not_given_is_one_object_and_false() -> None:
    notset = asked("airflow.sdk.definitions._internal.types.NOTSET")
    assert copy.deepcopy(notset) is notset
    assert isinstance(notset, asked("airflow.sdk.definitions._internal.types.ArgNotSet"))
    is_set = asked("airflow.sdk.definitions._internal.types.is_arg_set")
    assert is_set(None)
    assert not is_set(notset)


def test_the_lineage_collector_has_what_providers_look_for() -> None:
    collector = asked("airflow.sdk.lineage.get_hook_lineage_collector")()
    for name in ("add_input_asset", "add_output_asset", "create_asset", "add_extra"):
        getattr(collector, name)(context=None, uri="s3://x")
    assert isinstance(type(collector).collected_assets, property)
    assert collector.collected_assets.inputs == collector.collected_assets.outputs == []
    assert collector._extra == {}
    assert not collector.has_collected


def test_hooks_and_links_have_their_bases() -> None:
    mixin = asked("airflow.utils.log.logging_mixin.LoggingMixin")
    hook = type("AcmeHook", (mixin,), {"__module__": "acme"})()
    assert hook.log.name == "acme.AcmeHook"
    assert hook.log is hook.log
    link = type("AcmeLink", (asked("airflow.sdk.BaseOperatorLink"),), {"name": "Acme"})()
    assert (link.name, link.xcom_key) == ("Acme", "_link_AcmeLink")
    key = asked("airflow.sdk.types.TaskInstanceKey")("d", "t", "r")
    assert key.primary == ("d", "t", "r", -1)


def test_a_plugin_of_one_s_own_warns_that_nothing_follows() -> None:
    plugin = asked("airflow.plugins_manager.AirflowPlugin")
    with pytest.warns(UserWarning, match="AcmePlugin has no effect"):
        type("AcmePlugin", (plugin,), {"__module__": "acme"})
    type("AcmePlugin", (plugin,), {"__module__": "airflow.providers.acme.plugins"})


def test_states_are_texts() -> None:
    state = asked("airflow.utils.state.State")
    kinds = asked("airflow.utils.state.TaskInstanceState")
    assert kinds.FAILED in state.finished
    assert None in state.unfinished
    assert asked("airflow.utils.state.TerminalTIState").SUCCESS == "success"
    run_type = asked("airflow.utils.types.DagRunType")
    assert run_type.from_run_id("scheduled__2026") is run_type.SCHEDULED
    assert run_type.from_run_id("mine") is run_type.MANUAL


def test_versions_open_the_branches_for_airflow_3_3() -> None:
    import airflow  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from airflow import version

    assert airflow.__version__ == version.version == "3.3.2"


def test_a_message_is_built_and_its_hidden_recipients_are_not_in_it() -> None:
    build = asked("airflow.utils.email.build_mime_message")
    message, all_of_them = build("a@x", "b@x; c@x", "hello", "<p>hi</p>", cc=["d@x"], bcc="e@x")
    assert all_of_them == ["b@x", "c@x", "d@x", "e@x"]
    assert message["To"] == "b@x, c@x"
    assert "e@x" not in message.as_string()


def test_yaml_without_its_library_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    yaml = asked("airflow.utils.yaml")
    with pytest.raises(Exception, match="pip install pyyaml"):
        yaml.safe_load("a: 1")


def test_a_notifier_is_a_callback_that_renders_its_fields_anew_each_time() -> None:
    base = asked("airflow.sdk.BaseNotifier")
    assert asked("airflow.notifications.basenotifier.BaseNotifier") is base
    sent: list[str] = []

    class Acme(base):  # type: ignore[misc]
        template_fields = ("text",)

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

        def notify(self, context: Any) -> None:
            sent.append(f"{self.text} {context['run_id']}")

    notifier = Acme("{{ dag.dag_id }} at {{ run_id }}")
    with asked("airflow.sdk.DAG")("nightly", on_failure_callback=notifier) as dag:
        pass
    for run_id in ("one", "two"):
        notifier({"dag": dag, "run_id": run_id})
    assert sent == ["nightly at one one", "nightly at two two"]


def test_what_a_notifier_raises_goes_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    asked("airflow.sdk.BaseNotifier")()({})
    assert "could not be sent: BaseNotifier has no notify" in caplog.text


def test_a_provider_makes_a_kind_of_task_out_of_an_operator() -> None:
    unset = asked("airflow.sdk.definitions._internal.types.SET_DURING_EXECUTION")
    assert pickle.loads(pickle.dumps(unset)) is unset

    class Shout(asked("airflow.sdk.BaseOperator")):  # type: ignore[misc]
        template_fields = ("said",)

        def __init__(self, *, said: Any, times: int = 1, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.said, self.times = said, times

        def execute(self, context: Any) -> Any:
            return self.said.upper() * self.times

    decorated = asked("airflow.sdk.bases.decorator.DecoratedOperator")

    class ShoutTask(decorated, Shout):  # type: ignore[misc]
        template_fields = (*decorated.template_fields, *Shout.template_fields)

        def __init__(self, *, python_callable: Any, **kwargs: Any) -> None:
            super().__init__(python_callable=python_callable, said=unset, **kwargs)

        def execute(self, context: Any) -> Any:
            determine = asked("airflow.sdk.bases.decorator.determine_kwargs")
            context.update(self.op_kwargs)
            kwargs = determine(self.python_callable, self.op_args, context)
            self.said = self.python_callable(*self.op_args, **kwargs)
            return super().execute(context)

    factory = asked("airflow.sdk.bases.decorator.task_decorator_factory")
    with asked("airflow.sdk.DAG")("d") as dag:

        @factory(decorated_operator_class=ShoutTask, times=2)  # type: ignore[untyped-decorator]
        def hello(name: str, run_id: str | None = None) -> str:
            return f"{name} {run_id}!"

        hello("you")
        hello(name="me")
    assert list(dag.task_ids) == ["hello", "hello__1"]
    task = dag.get_task("hello__1")
    assert task.execute({"run_id": "r"}) == "ME R!ME R!"
    assert task.get_python_source().startswith("def hello(")
