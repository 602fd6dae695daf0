"""Trying DAGs: a whole run in this process, everything real but NATS, and time that does not wait

    from penstock.testing import run_dag

    def test_the_model_is_trained_again() -> None:
        run = run_dag(retraining, conf={"rows": 100}, variables={"region": "eu"})
        assert run.state == "success", run.explain()
        assert run.tasks["train"].xcom["accuracy"] > 0.9

The fold that decides is the coordinator's, what runs a task is the worker's; so trigger rules,
retries, mapping, branches, pools, and an XCom that cannot be stored, are as in production. Retries
and sensors wait in virtual time: a delay of an hour is over at once.
"""

from penstock.testing.results import InstanceResult, RunResult, TaskResult
from penstock.testing.trying import render_task, run_dag, run_task
from penstock.worker.dagfile import load as load_dags

__all__ = [
    "InstanceResult",
    "RunResult",
    "TaskResult",
    "load_dags",
    "render_task",
    "run_dag",
    "run_task",
]
