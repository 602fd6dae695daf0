"""`BaseNotifier`: a callback that is an object, with fields that are templates.

    with DAG("nightly", on_failure_callback=SlackNotifier(text="{{ dag.dag_id }} failed")): ...

What is called renders its fields and calls `notify`. It renders a copy: a child lives on, and the
next run's call has to see the template again, not what it came to in this one.
"""

from __future__ import annotations

import copy
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from penstock.airflow.logging_mixin import LoggingMixin
from penstock.authoring.templates import Renderer, environment

if TYPE_CHECKING:
    import jinja2


class BaseNotifier(LoggingMixin):
    """The base of notifiers: `notify(context)` sends; `template_fields` are rendered before."""

    template_fields: Sequence[str] = ()
    template_ext: Sequence[str] = ()

    def __init__(self, context: Any = None) -> None:
        super().__init__()
        self.context = context or {}

    def notify(self, context: Any) -> None:
        """Send the notification."""
        raise NotImplementedError(f"{type(self).__name__} has no notify(context)")

    async def async_notify(self, context: Any) -> None:
        """Send the notification, from an event loop."""
        raise NotImplementedError(f"{type(self).__name__} has no async_notify(context)")

    def __call__(self, *args: Any) -> None:
        """Render the fields and send. What `notify` raises goes into the log, as in Airflow."""
        context = dict(args[0]) if len(args) == 1 else dict(zip(_MISSED, args, strict=False))
        mine = copy.copy(self)
        context |= {name: getattr(mine, name) for name in self.template_fields}
        mine.render_template_fields(context)
        try:
            mine.notify(context)
        except Exception as error:
            self.log.exception("the notification could not be sent: %s", error)

    def __await__(self) -> Generator[Any, None, None]:
        return self.async_notify(self.context).__await__()

    def render_template_fields(
        self, context: Any, jinja_env: jinja2.Environment | None = None
    ) -> None:
        """Render the fields in place, by the environment of the context's DAG."""
        dag = context.get("dag")
        if jinja_env is None and dag is not None:
            jinja_env = environment(dag, native=dag.render_template_as_native_obj)
        Renderer(self, context, jinja_env).fields(self, self.template_fields)

    def get_template_env(self, dag: Any = None) -> jinja2.Environment:
        """Return Jinja as it is where no DAG is known."""
        from jinja2.sandbox import SandboxedEnvironment

        return SandboxedEnvironment()


_MISSED = ("dag", "task_list", "blocking_task_list", "blocking_tis")
"""What the callbacks of Airflow's missed deadlines were given, in their order."""
