"""`AirflowPlugin`: a class that files can derive from. Penstock loads no plugins yet.

Providers derive from it in modules that hold operators' links too, so it has to be there.
"""

from __future__ import annotations

import warnings
from typing import Any


class AirflowPlugin:
    """A plugin, by its lists. Outside of a provider deriving from it warns: nothing follows."""

    name: str | None = None
    source: Any = None
    macros: list[Any] = []  # noqa: RUF012 - subclasses replace them, as Airflow's do
    listeners: list[Any] = []  # noqa: RUF012
    timetables: list[Any] = []  # noqa: RUF012
    operator_extra_links: list[Any] = []  # noqa: RUF012
    global_operator_extra_links: list[Any] = []  # noqa: RUF012
    priority_weight_strategies: list[Any] = []  # noqa: RUF012

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.__module__.startswith("airflow.providers."):
            said = f"the plugin {cls.__name__} has no effect: Penstock loads no plugins yet"
            warnings.warn(said, stacklevel=2)

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        """Do nothing: nobody loads it."""
