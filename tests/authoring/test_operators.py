"""Operators: arguments, defaults, own ones, and who waits for whom."""

from __future__ import annotations

from abc import ABC
from datetime import timedelta
from typing import Any

import pytest

from authoring.world import run_dag, run_one
from penstock import (
    DAG,
    BaseOperator,
    BashOperator,
    EmptyOperator,
    Label,
    PythonOperator,
    TaskGroup,
    chain,
    chain_linear,
    cross_downstream,
    task,
    task_group,
)
from penstock.authoring.errors import (
    DagFileError,
    DuplicateTaskError,
    InvalidArgumentError,
    MissingArgumentError,
    UnknownArgumentError,
)
from penstock.authoring.serialize import serialize

HERE = r"test_operators.py:\d+: "


def empty(task_id: str) -> EmptyOperator:
    return EmptyOperator(task_id=task_id)


def edges(dag: DAG) -> set[str]:
    return {f"{up}>{t.task_id}" for t in serialize(dag).tasks for up in t.upstream}


# ---------------------------------------------------------------- arguments


def test_arguments_reach_the_serialized_task() -> None:
    with DAG("settings") as dag:
        BashOperator(
            task_id="a",
            bash_command="true",
            retries=3,
            retry_delay=timedelta(seconds=30),
            retry_exponential_backoff=True,
            max_retry_delay=600,
            execution_timeout=timedelta(minutes=1),
            trigger_rule="all_done",
            pool="gpu",
            pool_slots=2,
            queue="big",
            max_active_tis_per_dag=4,
            exclusive=True,
            doc_md="What it is.",
        )
    (a,) = serialize(dag).tasks
    assert (a.retries, a.retry_delay, a.retry_exponential_backoff) == (3, 30.0, True)
    assert (a.max_retry_delay, a.execution_timeout) == (600.0, 60.0)
    assert (a.trigger_rule, a.pool, a.pool_slots) == ("all_done", "gpu", 2)
    assert (a.queue, a.max_active_tis_per_dag, a.exclusive) == ("big", 4, True)
    assert (a.doc_md, a.operator) == ("What it is.", "BashOperator")


@pytest.mark.parametrize(
    ("given", "backs_off", "multiplier"),
    [(False, False, 2.0), (True, True, 2.0), (0, False, 2.0), (1, False, 1.0), (5, True, 5.0)],
)
def test_exponential_backoff_is_a_multiplier(
    given: float, backs_off: bool, multiplier: float
) -> None:
    with DAG("backoff") as dag:
        EmptyOperator(task_id="a", retry_exponential_backoff=given)
    (a,) = serialize(dag).tasks
    assert (a.retry_exponential_backoff, a.retry_multiplier) == (backs_off, multiplier)


def test_unknown_arguments_are_refused_with_file_line_and_a_guess() -> None:
    with DAG("unknown"):
        with pytest.raises(UnknownArgumentError, match=HERE + ".*'retires'.*'retries'"):
            BashOperator(task_id="a", bash_command="true", retires=3)
        with pytest.raises(InvalidArgumentError, match="max_active_tis_per_dag="):
            BashOperator(task_id="a", bash_command="true", task_concurrency=1)
    with pytest.raises(UnknownArgumentError, match=HERE + "DAG 'd'.*'schedul'.*'schedule'"):
        DAG("d", schedul="@daily")
    with pytest.raises(InvalidArgumentError, match="'schedule_interval' is gone; write schedule="):
        DAG("d", schedule_interval="@daily")


def test_missing_and_positional_arguments_are_refused_with_file_and_line() -> None:
    with DAG("missing"):
        with pytest.raises(MissingArgumentError, match=HERE + "BashOperator 'a'.*'bash_command'"):
            BashOperator(task_id="a")
        with pytest.raises(MissingArgumentError, match="'task_id'"):
            EmptyOperator()
        with pytest.raises(InvalidArgumentError, match=HERE + ".*by name only"):
            EmptyOperator("a")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"retries": "three"}, "retries must be a whole number"),
        ({"retries": -1}, "at least 0"),
        ({"retry_exponential_backoff": "yes"}, "must be a number, 0 or more"),
        ({"retry_delay": "5m"}, "retry_delay must be a timedelta or seconds"),
        ({"execution_timeout": timedelta(-1)}, "not negative"),
        ({"trigger_rule": "all_good"}, "trigger_rule must be one of all_success, "),
        ({"weight_rule": "sideways"}, "weight_rule must be one of"),
        ({"pool_slots": 0}, "at least 1"),
        ({"on_failure_callback": "mail"}, "must be callable"),
        ({"task_id": "a b"}, "letters, digits"),
        ({"task_id": ""}, "1 to 250"),
        ({"params": {"x": object()}}, "a param must be JSON"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(arguments: dict[str, Any], words: str) -> None:
    with DAG("values"), pytest.raises(InvalidArgumentError, match=HERE + ".*" + words):
        EmptyOperator(**{"task_id": "a", **arguments})


def test_two_tasks_of_one_id_are_refused_and_both_are_named() -> None:
    with DAG("twice"):
        empty("a")
        with pytest.raises(DuplicateTaskError, match=HERE + r".*'a' \(the first one: .*:\d+\)"):
            empty("a")


# ---------------------------------------------------------------- defaults


class Greeter(BaseOperator, ABC):
    """An own operator with an argument of its own, and one that it always sets."""

    template_fields = ("name",)

    def __init__(self, *, name: str, greeting: str = "hello", **kwargs: Any) -> None:
        super().__init__(retries=7, **kwargs)
        self.name, self.greeting = name, greeting

    def execute(self, context: Any) -> str:
        return f"{self.greeting} {self.name}"


class LoudGreeter(Greeter):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(greeting="HELLO", **kwargs)

    def execute(self, context: Any) -> str:
        return super().execute(context).upper()


def test_default_args_fill_in_what_was_not_said_at_every_level() -> None:
    defaults = {"greeting": "hi", "owner": "me", "retries": 1, "nonsense": 1}
    with DAG("defaults", default_args=defaults) as dag:
        plain = Greeter(task_id="plain", name="a")
        loud = LoudGreeter(task_id="loud", name="b")
        own = Greeter(task_id="own", name="c", greeting="yo", owner="you")
        late = EmptyOperator(task_id="late", default_args={"retries": 2})
    assert (plain.greeting, plain.owner, plain.retries) == ("hi", "me", 7)
    assert loud.greeting == "HELLO"
    assert (own.greeting, own.owner) == ("yo", "you")
    assert late.retries == 2
    assert run_dag(dag).value("loud") == "HELLO B"


def test_params_and_dates_in_default_args_are_the_dags() -> None:
    import pendulum

    start = pendulum.datetime(2025, 1, 1, tz="Europe/Berlin")
    dag = DAG("dates", default_args={"start_date": start, "params": {"x": 1}})
    assert dag.start_date == start
    assert dag.params["x"] == 1
    assert serialize(dag).schedule.timezone == "Europe/Berlin"


def test_own_operators_are_run_with_their_context() -> None:
    class Where(BaseOperator):
        def execute(self, context: Any) -> str:
            return f"{context['dag'].dag_id}.{context['ti'].task_id}"

    with DAG("home") as dag:
        Where(task_id="here")
    assert run_dag(dag).value("here") == "home.here"


def test_hooks_around_the_work_are_called_in_order() -> None:
    seen: list[str] = []

    class Careful(BaseOperator):
        def pre_execute(self, context: Any) -> None:
            seen.append("pre")

        def execute(self, context: Any) -> str:
            seen.append("execute")
            return "x"

        def post_execute(self, context: Any, result: Any = None) -> None:
            seen.append(f"post {result}")

    with DAG("hooks") as dag:
        Careful(
            task_id="a",
            pre_execute=lambda context: seen.append("hook"),
            on_execute_callback=lambda context: seen.append("on_execute"),
        )
    run_one(dag, "a")
    assert seen == ["hook", "pre", "on_execute", "execute", "post x"]


def test_python_operator_takes_arguments_and_templates() -> None:
    def f(a: int, b: str, templates_dict: Any, **context: Any) -> list[Any]:
        return [a, b, templates_dict["run"], context["ti"].task_id]

    with DAG("python") as dag:
        PythonOperator(
            task_id="f",
            python_callable=f,
            op_args=[1],
            op_kwargs={"b": "{{ run_id }}"},
            templates_dict={"run": "{{ dag.dag_id }}"},
        )
        PythonOperator(task_id="g", python_callable=lambda: None)
    world = run_dag(dag)
    assert world.value("f") == [1, "test", "python", "f"]
    assert not world.has("g")


def test_python_operator_runs_coroutines() -> None:
    async def f(x: int) -> int:
        return x + 1

    with DAG("async") as dag:
        PythonOperator(task_id="f", python_callable=f, op_kwargs={"x": 1})
    assert serialize(dag).tasks[0].is_async
    assert run_dag(dag).value("f") == 2


def test_an_empty_task_needs_no_worker_unless_it_calls_somebody() -> None:
    class Busy(EmptyOperator):
        def execute(self, context: Any) -> None: ...

    with DAG("empties") as dag:
        empty("a")
        EmptyOperator(task_id="b", on_execute_callback=print)
        Busy(task_id="c")
    assert [t.is_empty for t in serialize(dag).tasks] == [True, False, False]


def test_do_xcom_push_false_keeps_nothing() -> None:
    with DAG("quiet") as dag:
        BashOperator(task_id="a", bash_command="echo x", do_xcom_push=False)
    assert not run_dag(dag).has("a")


# ---------------------------------------------------------------- arrows


def test_arrows_between_tasks_and_lists() -> None:
    with DAG("arrows") as dag:
        a, b, c, d = map(empty, "abcd")
        a >> [b, c] >> d
        e = empty("e")
        e << [c, d]
        [a, b] >> e
    assert edges(dag) == {"a>b", "a>c", "b>d", "c>d", "c>e", "d>e", "a>e", "b>e"}


def test_chain_pairs_lists_of_one_length_and_refuses_others() -> None:
    with DAG("chains") as dag:
        a, b, c, d, e, f = map(empty, "abcdef")
        chain(a, [b, c], [d, e], f)
        with pytest.raises(InvalidArgumentError, match=HERE + ".*list of 2 with one of 1"):
            chain([a, b], [c])
    assert edges(dag) == {"a>b", "a>c", "b>d", "c>e", "d>f", "e>f"}


def test_chain_linear_and_cross_downstream_link_all_with_all() -> None:
    with DAG("linear") as dag:
        a, b, c, d = map(empty, "abcd")
        chain_linear(a, [b, c], d)
    assert edges(dag) == {"a>b", "a>c", "b>d", "c>d"}
    with DAG("cross") as dag:
        a, b, c, d = map(empty, "abcd")
        cross_downstream([a, b], [c, d])
    assert edges(dag) == {"a>c", "a>d", "b>c", "b>d"}


def test_labels_stand_on_edges_and_decide_nothing() -> None:
    with DAG("labels") as dag:
        a, b, c = map(empty, "abc")
        a >> Label("when fresh") >> [b, c]
    assert edges(dag) == {"a>b", "a>c"}
    assert dag.edge_info["a"]["b"] == {"label": "when fresh"}


def test_what_is_no_task_has_no_arrows() -> None:
    with DAG("nothings"):
        with pytest.raises(InvalidArgumentError, match=HERE + ".*'text'"):
            empty("a") >> "text"
        with pytest.raises(InvalidArgumentError, match=r"TaskFactory"):
            empty("b") >> task(lambda: None)


def test_tasks_of_two_dags_cannot_wait_for_each_other() -> None:
    with DAG("one"):
        a = empty("a")
    with DAG("two"):
        b = empty("b")
    with pytest.raises(InvalidArgumentError, match="two DAGs"):
        a >> b


def test_a_task_without_a_dag_joins_that_of_its_neighbour() -> None:
    dag = DAG("late")
    a, b = EmptyOperator(task_id="a", dag=dag), empty("b")
    with pytest.raises(DagFileError, match="is of no DAG yet"):
        _ = b.dag
    a >> b
    assert b.dag is dag
    assert edges(dag) == {"a>b"}


# ---------------------------------------------------------------- groups


def test_groups_prefix_their_tasks_and_are_linked_as_one() -> None:
    with DAG("groups") as dag:
        start, end = empty("start"), empty("end")
        with TaskGroup("load", default_args={"retries": 2}) as load:
            a, b = empty("a"), empty("b")
            a >> b
            with TaskGroup("inner"):
                empty("c")
        with TaskGroup("plain", prefix_group_id=False):
            empty("d")
        start >> load >> end
    assert edges(dag) == {
        "start>load.a", "load.a>load.b", "start>load.inner.c", "load.b>end", "load.inner.c>end",
    }  # fmt: skip
    assert dag.has_task("d")
    assert dag.get_task("load.inner.c").retries == 2
    assert (b.label, list(load.children)) == ("b", ["load.a", "load.b", "load.inner"])


def test_a_group_function_makes_a_group_at_each_call() -> None:
    @task
    def f(x: int) -> int:
        return x + 1

    @task_group
    def twice(x: Any) -> Any:
        return f(f(x))

    with DAG("functions") as dag:
        twice(twice(1))
    assert dag.task_ids == ["twice.f", "twice.f__1", "twice__1.f", "twice__1.f__1"]
    assert run_dag(dag).value("twice__1.f__1") == 5


def test_a_further_call_gets_a_number_above_all_that_are_taken_by_tasks_and_groups() -> None:
    @task
    def f(): ...

    with DAG("numbers") as dag:
        f()
        EmptyOperator(task_id="f__7")
        TaskGroup("f__9")
        f()
        TaskGroup("f", add_suffix_on_collision=True)
    assert (dag.task_ids, list(dag.groups)) == (["f", "f__7", "f__10"], ["f__9", "f__11"])


def test_mapped_tasks_in_groups_run_under_their_full_id() -> None:
    with DAG("mapped_groups") as dag, TaskGroup("g"):
        BashOperator.partial(task_id="say").expand(bash_command=["echo 1", "echo 2"])
        task(lambda x: x).override(task_id="f").expand(x=[7])
    world = run_dag(dag)
    assert (world.value("g.say", 1), world.value("g.f", 0)) == ("2", 7)


def test_setups_and_teardowns_are_marked() -> None:
    with DAG("fixtures") as dag:
        made, used, gone = map(empty, ["make", "use", "remove"])
        made >> used >> gone.as_teardown(setups=made)
    tasks = {t.task_id: t for t in serialize(dag).tasks}
    assert tasks["make"].is_setup
    assert tasks["remove"].is_teardown
    assert tasks["remove"].trigger_rule == "all_done_setup_success"
