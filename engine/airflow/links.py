"""What providers hang on operators: links to consoles, resumable jobs, the change of a pod.

Links are kept and not shown yet. A resumable job's id has no store yet, so each try submits anew.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple


class TaskInstanceKey(NamedTuple):
    """Which task instance, and which try of it."""

    dag_id: str
    task_id: str
    run_id: str
    try_number: int = 1
    map_index: int = -1

    @property
    def primary(self) -> tuple[str, str, str, int]:
        return self.dag_id, self.task_id, self.run_id, self.map_index

    @property
    def key(self) -> TaskInstanceKey:
        return self


class BaseOperatorLink:
    """A link beside a task: `name` is what is shown, `get_link` where it leads."""

    operators: ClassVar[list[type[Any]]] = []

    @property
    def name(self) -> str:
        raise NotImplementedError(f"{type(self).__name__} needs a name")

    @property
    def xcom_key(self) -> str:
        """The XCom that a link is kept under once the task has run."""
        return f"_link_{type(self).__name__}"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        raise NotImplementedError(f"{type(self).__name__} needs get_link")


class ResumableJobMixin:
    """For operators that submit one long job and wait for it. Each try submits it anew here."""

    external_id_key = "remote_job_id"

    def __init__(self, *, durable: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.durable = durable

    def execute_resumable(self, context: Any) -> Any:
        """Submit the job, wait for its end and return its result."""
        external_id = self.submit_job(context)
        self.poll_until_complete(external_id, context)
        return self.get_job_result(external_id, context)

    def submit_job(self, context: Any) -> Any:
        raise NotImplementedError

    def get_job_status(self, external_id: Any, context: Any) -> str:
        raise NotImplementedError

    def is_job_active(self, status: str) -> bool:
        raise NotImplementedError

    def is_job_succeeded(self, status: str) -> bool:
        raise NotImplementedError

    def poll_until_complete(self, external_id: Any, context: Any) -> Any:
        raise NotImplementedError

    def get_job_result(self, external_id: Any, context: Any) -> Any:
        return None


def pod_mutation_hook(pod: Any) -> None:
    """Change nothing of a pod, as long as nobody asks for it."""
