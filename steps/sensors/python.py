"""Sensors whose look is a call of a function: PythonSensor and `@task.sensor`."""

from __future__ import annotations

import inspect
from typing import Any

from penstock.authoring.calling import CallingOperator
from penstock.authoring.context import Context
from penstock.authoring.decorators import Decorated, task
from penstock.authoring.sensor import BaseSensorOperator, PokeReturnValue


class PythonSensor(BaseSensorOperator, CallingOperator):
    """Waits until `python_callable` returns something true, or a PokeReturnValue that is done.

    Its arguments (op_args, op_kwargs, templates_dict) are told at `CallingOperator`, how it waits
    at `BaseSensorOperator`. It may be an `async def`, too.
    `PythonSensor(task_id="wait", python_callable=is_ready, mode="reschedule", poke_interval=30)`.
    """

    @classmethod
    def runs_async(cls, arguments: dict[str, Any]) -> bool:
        return False

    def poke(self, context: Context) -> PokeReturnValue:
        args, kwargs = self._call(context)
        returned = self.python_callable(*args, **kwargs)
        if inspect.isawaitable(returned):  # it would count as true, whatever it comes to
            import asyncio  # late: sync children do without

            returned = asyncio.run(_result(returned))
        if isinstance(returned, PokeReturnValue):
            return returned
        return PokeReturnValue(bool(returned))


async def _result(awaitable: Any) -> Any:
    return await awaitable


class SensorTask(Decorated, PythonSensor):
    """A task made by `@task.sensor`: its function returns a bool or a PokeReturnValue."""

    custom_operator_name = "@task.sensor"


def sensor_task(python_callable: Any = None, **options: Any) -> Any:
    """Make a function into a sensor: `@task.sensor` under its module's name."""
    return task.sensor(python_callable, **options)
