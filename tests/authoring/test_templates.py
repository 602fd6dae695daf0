"""Templates, the context that they see, XComs by hand, params, variables."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
import pytest

from authoring.world import MemoryBackend, World, load_text, run_dag, run_info, run_one, work_for
from penstock import DAG, BaseOperator, BashOperator, Param, PythonOperator, Variable, literal, task
from penstock.authoring.errors import InvalidArgumentError
from penstock.authoring.exceptions import (
    AirflowException,
    AirflowNotFoundException,
    AirflowRuntimeError,
    ParamValidationError,
)
from penstock.authoring.params import ParamsDict, merged
from penstock.authoring.runtime import run_task

WHEN = datetime(2025, 3, 30, 1, 2, 3, 456789, tzinfo=UTC)


class Show(BaseOperator):
    """Returns what its template field became."""

    template_fields = ("what",)

    def __init__(self, *, what: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.what = what

    def execute(self, context: Any) -> Any:
        return self.what


def shown(what: Any, *, world: World | None = None, dag: DAG | None = None, **run: Any) -> Any:
    """Return what a value becomes when a task that has it in a template field runs."""
    dag = dag or DAG("templates")
    Show(task_id="show", what=what, dag=dag)
    return run_one(dag, "show", world=world, **run).value("show")


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ ds }}", "2025-03-30"),
        ("{{ ds_nodash }}", "20250330"),
        ("{{ ts }}", "2025-03-30T01:02:03.456789+00:00"),
        ("{{ ts_nodash }}", "20250330T010203"),
        ("{{ ts_nodash_with_tz }}", "20250330T010203.456789+0000"),
        ("{{ logical_date.day_of_week }}", "6"),
        ("{{ data_interval_start == logical_date == data_interval_end }}", "True"),
        ("{{ logical_date | ds }} {{ logical_date | ts_nodash }}", "2025-03-30 20250330T010203"),
        ("{{ macros.ds_add(ds, -30) }}", "2025-02-28"),
        ("{{ macros.ds_format(ds, '%Y-%m-%d', '%d.%m.') }}", "30.03."),
        ("{{ run_id }} {{ dag.dag_id }} {{ task.task_id }}", "test templates show"),
        ("{{ task_instance_key_str }}", "templates__show__20250330"),
        ("{{ dag_run.run_type }} {{ dag_run.conf['x'] }}", "manual 1"),
        ("plain", "plain"),
        ("{{ ds", None),
    ],
)  # fmt: skip
def test_what_templates_see(template: str, text: str | None) -> None:
    if text is None:
        with pytest.raises(jinja2.TemplateSyntaxError):
            shown(template, logical_date=WHEN)
    else:
        assert shown(template, logical_date=WHEN, conf={"x": 1}) == text


@pytest.mark.parametrize(
    "name", ["ds", "ts", "logical_date", "data_interval_start", "execution_date", "nonsense"]
)
def test_an_undefined_name_is_an_error_and_a_run_without_a_date_has_no_dates(name: str) -> None:
    with pytest.raises(jinja2.UndefinedError, match=name):
        shown(f"{{{{ {name} }}}}")


def test_template_undefined_can_be_made_lenient() -> None:
    dag = DAG("lenient", template_undefined=jinja2.Undefined)
    assert shown("[{{ nonsense }}]", dag=dag) == "[]"


def test_templates_are_found_in_lists_dicts_and_objects() -> None:
    class Config:
        template_fields = ("name",)

        def __init__(self) -> None:
            self.name, self.other = "{{ run_id }}", "{{ run_id }}"

    found = shown(
        ["{{ run_id }}", {"k": ("{{ run_id }}", 1)}, literal("{{ run_id }}"), {"{{ 1 }}"}]
    )
    assert found == ["test", {"k": ("test", 1)}, "{{ run_id }}", {"1"}]
    config = shown(Config())
    assert (config.name, config.other) == ("test", "{{ run_id }}")


def test_rendering_leaves_the_dag_as_it_was() -> None:
    dag = DAG("kept")
    show = Show(task_id="show", what=["{{ ti.try_number }}"], dag=dag)
    assert run_one(dag, "show", try_number=1).value("show") == ["1"]
    assert run_one(dag, "show", try_number=2).value("show") == ["2"]
    assert show.what == ["{{ ti.try_number }}"]


def test_native_objects_keep_their_type() -> None:
    dag = DAG("native", render_template_as_native_obj=True)
    assert shown("{{ [1, params.x] }}", dag=dag, conf={"x": 2}) == [1, 2]
    with DAG("mixed") as dag:
        Show(task_id="a", what="{{ 1 + 1 }}", render_template_as_native_obj=True)
        Show(task_id="b", what="{{ 1 + 1 }}")
    world = run_dag(dag)
    assert (world.value("a"), world.value("b")) == (2, "2")


def test_own_macros_and_filters() -> None:
    dag = DAG(
        "own",
        user_defined_macros={"region": "eu"},
        user_defined_filters={"shout": lambda text: text.upper() + "!"},
    )
    assert shown("{{ region | shout }}", dag=dag) == "EU!"


def test_template_files_lie_beside_the_dag_or_on_its_search_path(tmp_path: Path) -> None:
    (tmp_path / "hello.sh").write_text("echo hello {{ run_id }}\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "other.sh").write_text("echo other {% include 'part.txt' %}")
    (tmp_path / "more" / "part.txt").write_text("{{ dag.dag_id }}")
    dag = load_text(
        tmp_path,
        f"""
        from penstock import DAG, BashOperator
        with DAG("files", template_searchpath=[{str(tmp_path / "more")!r}]):
            BashOperator(task_id="a", bash_command="hello.sh")
            BashOperator(task_id="b", bash_command="other.sh")
            BashOperator(task_id="c", bash_command="absent.sh")
        """,
    )["files"]
    world = run_dag(dag)
    assert (world.value("a"), world.value("b")) == ("hello test", "other files")
    assert "end the text with a space" in str(world.errors[("c", -1)])


def test_a_template_field_that_does_not_exist_says_so() -> None:
    class Wrong(BaseOperator):
        template_fields = ("absent",)

        def execute(self, context: Any) -> None: ...

    with DAG("wrong") as dag:
        Wrong(task_id="w")
    with pytest.raises(AirflowException, match="'absent' as a template field"):
        run_one(dag, "w")


# ---------------------------------------------------------------- XComs by hand


def pulled(world: World, **pull: Any) -> Any:
    dag = DAG("pulls")
    PythonOperator(task_id="t", python_callable=lambda ti: [ti.xcom_pull(**pull)], dag=dag)
    return run_one(dag, "t", world=world).value("t")[0]


@pytest.fixture
def world() -> World:
    run = "pulls/test"
    return World(
        xcoms={
            (run, "a", -1, "return_value"): "A",
            (run, "a", -1, "extra"): "X",
            (run, "m", 0, "return_value"): "m0",
            (run, "m", 2, "return_value"): "m2",
            (run, "single", 0, "return_value"): "s0",
            ("other/r1", "a", -1, "return_value"): "elsewhere",
        }
    )


@pytest.mark.parametrize(
    ("pull", "value"),
    [
        ({"task_ids": "a"}, "A"),
        ({"task_ids": "a", "key": "extra"}, "X"),
        ({"task_ids": ["a"]}, ["A"]),
        ({"task_ids": ["a", "m", "none"]}, ["A", "m0", "m2", None]),
        ({"task_ids": "m"}, ["m0", "m2"]),
        ({"task_ids": "single"}, "s0"),  # as Airflow does
        ({"task_ids": "m", "map_indexes": 2}, "m2"),
        ({"task_ids": "m", "map_indexes": [2, 1, 0]}, ["m2", None, "m0"]),
        ({"task_ids": "m", "map_indexes": None}, None),
        ({"task_ids": ["a", "m"], "map_indexes": -1, "default": 0}, ["A", 0]),
        ({"task_ids": "none"}, None),
        ({"task_ids": "none", "default": 5}, 5),
        ({}, None),
        ({"dag_id": "other", "run_id": "r1", "task_ids": "a"}, "elsewhere"),
    ],
)
def test_pulling(world: World, pull: dict[str, Any], value: Any) -> None:
    assert pulled(world, **pull) == value


def test_pushing_and_pulling_in_templates() -> None:
    def push(ti: Any) -> None:
        ti.xcom_push(key="k", value=[1, 2])

    with DAG("hands") as dag:
        push_it = PythonOperator(task_id="push", python_callable=push)
        say = BashOperator(
            task_id="say", bash_command="echo {{ ti.xcom_pull('push', key='k') | sum }}"
        )
        push_it >> say
    assert run_dag(dag).value("say") == "3"


def test_an_xcoms_key_is_a_text() -> None:
    with DAG("keys") as dag:
        PythonOperator(task_id="t", python_callable=lambda ti: ti.xcom_push(1, "x"))
    with pytest.raises(TypeError, match="key of an XCom is a text"):
        run_one(dag, "t")


def test_what_ti_knows() -> None:
    seen: dict[str, Any] = {}
    with DAG("facts") as dag:
        PythonOperator(
            task_id="t", python_callable=lambda ti, dag_run: seen.update(ti=ti, run=dag_run)
        )
    run_one(dag, "t", try_number=2, tries=4, conf={"a": 1}, logical_date=WHEN)
    ti, run = seen["ti"], seen["run"]
    assert (ti.dag_id, ti.task_id, ti.run_id, ti.map_index) == ("facts", "t", "test", -1)
    assert (ti.try_number, ti.max_tries, ti.operator) == (2, 3, "PythonOperator")
    assert ti.start_date.isoformat() == "1970-01-01T00:00:03+00:00"
    assert (run.conf, run.run_type, run.logical_date) == ({"a": 1}, "manual", WHEN)
    assert run.start_date.timestamp() == 2


# ---------------------------------------------------------------- params


def test_params_conf_beats_task_beats_dag_and_unknown_keys_appear() -> None:
    with DAG("layers", params={"a": 1, "b": 1, "c": 1}) as dag:
        Show(task_id="s", what="{{ params.a }}{{ params.b }}{{ params.c }}{{ params.d }}",
             params={"b": 2, "c": 2})  # fmt: skip
    assert run_one(dag, "s", conf={"c": 3, "d": 4}).value("s") == "1234"


def test_a_tasks_own_params_are_checked_against_their_schema() -> None:
    """Those of the DAG were, when the run was accepted."""
    dag = DAG("schema", params={"n": 1})
    own = {"n": Param(5, type="integer", minimum=3)}
    Show(task_id="s", what="{{ params.n }}", params=own, dag=dag)
    assert run_one(dag, "s", conf={"n": 9}).value("s") == "9"
    with pytest.raises(ParamValidationError, match="Invalid input for param n: 2 is less than"):
        run_one(dag, "s", conf={"n": 2})


def test_a_param_without_a_default_must_be_given() -> None:
    dag = DAG("required", params={"n": Param(type="integer")})
    Show(task_id="s", what="{{ params.n }}", dag=dag)
    with pytest.raises(ParamValidationError, match="param n: no value was given"):
        run_one(dag, "s")
    with pytest.raises(InvalidArgumentError, match="has a schedule, so each of its params"):
        DAG("scheduled", schedule="@daily", params={"n": Param(type="integer")})


def test_params_behave_like_a_dict_of_values() -> None:
    params = ParamsDict({"a": 1, "b": Param(2, description="two", type="integer")})
    params["a"] = 5
    assert dict(params) == {"a": 5, "b": 2}
    assert params.get_param("b").description == "two"
    with pytest.raises(ParamValidationError, match="param b"):
        params["b"] = "text"
    assert merged({"a": 1}, {"a": 2}, {"b": 3}) == {"a": 2, "b": 3}


# ---------------------------------------------------------------- variables


def test_variables_in_templates_and_in_code(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(variables={"region": "eu", "limits": '{"n": 3}'})
    monkeypatch.setenv("AIRFLOW_VAR_FROM_ENV", "env")
    template = "{{ var.value.region }} {{ var.json.limits.n }} {{ var.value.get('no', 'none') }} "
    assert shown(template + "{{ var.value.from_env }}", world=world) == "eu 3 none env"

    @task
    def f() -> list[Any]:
        return [Variable.get("region"), Variable.get("limits", deserialize_json=True),
                Variable.get("no", default=None)]  # fmt: skip

    with DAG("code") as dag:
        f()
    assert run_one(dag, "f", world=world).value("f") == ["eu", {"n": 3}, None]


def test_a_variable_that_is_not_there_says_so() -> None:
    with pytest.raises(AirflowNotFoundException, match="no variable 'absent'"):
        shown("{{ var.value.absent }}")
    with pytest.raises(AirflowRuntimeError, match="only be read while a task runs"):
        Variable.get("region")
    assert Variable.get("region", default="x") == "x"


# ---------------------------------------------------------------- callbacks


def calls(kind: str, *, task_id: str = "t", **dag_options: Any) -> list[Any]:
    seen: list[Any] = []

    def note(context: Any) -> None:
        seen.append((context["ti"].state, context.get("reason"), str(context.get("exception"))))

    with DAG("callbacks", on_failure_callback=note, on_success_callback=[note, note]) as dag:
        Show(task_id="t", what="{{ run_id }}", on_failure_callback=[note], on_retry_callback=note,
             on_success_callback=note, on_skipped_callback=note)  # fmt: skip
    run_one(dag, task_id, kind="callback", callback=kind, why="it broke")
    return seen


def test_callbacks_of_a_task_know_the_state_and_why() -> None:
    assert calls("failure") == [("failed", "it broke", "it broke")]
    assert calls("retry") == [("up_for_retry", "it broke", "it broke")]
    assert calls("skipped") == [("skipped", "it broke", "None")]
    assert calls("success") == [("success", "it broke", "None")]


def test_callbacks_of_a_run_have_no_task() -> None:
    assert len(calls("failure", task_id="")) == 1
    assert len(calls("success", task_id="")) == 2


def test_a_callback_that_raises_does_not_keep_the_others_from_being_called() -> None:
    seen: list[str] = []

    def bad(context: Any) -> None:
        raise RuntimeError("bad")

    with DAG("brave") as dag:
        Show(task_id="t", what=1, on_failure_callback=[bad, lambda c: seen.append("called")])
    with pytest.raises(RuntimeError, match="bad"):
        run_one(dag, "t", kind="callback", callback="failure")
    assert seen == ["called"]


def test_a_callback_of_a_task_that_never_started_sees_it_unrendered() -> None:
    seen: list[Any] = []
    with DAG("early") as dag:
        Show(
            task_id="t", what="{{ nonsense }}", on_failure_callback=lambda c: seen.append(c["task"])
        )
    run_one(dag, "t", kind="callback", callback="failure")
    assert seen[0].what == "{{ nonsense }}"


def test_what_a_task_raises_passes_through() -> None:
    @task
    def f() -> None:
        raise KeyError("mine")

    with DAG("raises") as dag:
        f()
    backend = MemoryBackend(World(), "raises/test", "f", -1)
    with pytest.raises(KeyError, match="mine"):
        run_task(dag, work_for(dag, "f"), run_info(dag, {}, None), backend)


def test_a_run_without_a_logical_date_says_why_there_is_no_ds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(jinja2.UndefinedError, match="'ds' is undefined"):
        shown("{{ ds }}")
    assert "the run has no logical date, and so no `ds`, `ts` and their kin" in caplog.text
    caplog.clear()
    with pytest.raises(jinja2.UndefinedError):
        shown("{{ nonsense }}", logical_date=WHEN)
    assert "no logical date" not in caplog.text
