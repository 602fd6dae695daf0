"""Hooks: what providers reach other services by. Here is their base, and how one is found.

An installed provider says, by an entry point of the group `apache_airflow_provider`, which class is
the hook of which type of connection; it is imported when it is asked for.
"""

from __future__ import annotations

import functools
import logging
from typing import Any

from penstock.authoring import provided
from penstock.authoring.connections import Connection
from penstock.authoring.exceptions import AirflowException


class BaseHook:
    """What hooks are made of. A subclass overrides `get_conn`, and gets its connection by
    `self.get_connection(conn_id)`.

    logger_name: put after `airflow.task.hooks.`; the class' own name if not said.
    """

    _log_config_logger_name: str | None = "airflow.task.hooks"
    _logger_name: str | None = None
    _log: Any = None

    def __init__(self, logger_name: str | None = None) -> None:
        super().__init__()  # hooks are mixed with other classes
        self._logger_name = logger_name

    @property
    def log(self) -> Any:
        """The hook's logger; one that was put into `_log` instead."""
        kind = type(self)
        named = self._logger_name or f"{kind.__module__}.{kind.__name__}"
        return self._log or logging.getLogger(f"{self._log_config_logger_name}.{named}")

    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        """Return a connection. Raises AirflowNotFoundException if there is none."""
        return Connection.get(conn_id)

    @classmethod
    async def aget_connection(cls, conn_id: str) -> Connection:
        """As `get_connection`, for code that awaits."""
        return await Connection.async_get(conn_id)

    @classmethod
    def get_hook(cls, conn_id: str, hook_params: dict[str, Any] | None = None) -> Any:
        """Return the hook that an installed provider has for a connection's type."""
        return cls.get_connection(conn_id).get_hook(hook_params=hook_params)

    @classmethod
    async def aget_hook(cls, conn_id: str, hook_params: dict[str, Any] | None = None) -> Any:
        """As `get_hook`, for code that awaits."""
        return (await cls.aget_connection(conn_id)).get_hook(hook_params=hook_params)

    def get_conn(self) -> Any:
        """Return what speaks to the service: the subclass says."""
        raise NotImplementedError

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Airflow's web form asks this; here nothing does."""
        return {}

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Airflow's web form asks this; here nothing does."""
        return {}


@functools.cache
def hook_classes() -> dict[str, str]:
    """Return the hook's class, as a dotted path, by type of connection: of installed providers."""
    found: dict[str, str] = {}
    for _, one in provided.rows("connection-types"):
        found.setdefault(one["connection-type"], one["hook-class-name"])
    return found


def hook_class_for(conn_type: str, conn_id: str) -> Any:
    """Return the hook's class for a type of connection. Raises AirflowException."""
    path = hook_classes().get(conn_type)
    if path is None:
        known = ", ".join(sorted(hook_classes())) or "no provider is installed"
        raise AirflowException(
            f"connection {conn_id!r} is of the type {conn_type!r}, which has no hook: install the "
            f"provider that has it (known: {known})."
        )
    return provided.at(path)
