"""`LoggingMixin`: a logger of a class's own, as providers' hooks and operators have it."""

from __future__ import annotations

import logging
from typing import Any


class LoggingMixin:
    """Gives a class `self.log`, a logger that is named for the class."""

    _log: Any = None
    _log_config_logger_name: str | None = None
    _logger_name: str | None = None

    def __init__(self, context: Any = None) -> None:
        super().__init__()

    @classmethod
    def _own_logger(cls) -> logging.Logger:
        name = cls._logger_name or f"{cls.__module__}.{cls.__name__}"
        above = cls._log_config_logger_name
        return logging.getLogger(f"{above}.{name}" if above else name)

    @classmethod
    def logger(cls) -> logging.Logger:
        """Return the class's logger."""
        return cls._own_logger()

    @property
    def log(self) -> Any:
        if self._log is None:
            self._log = self._own_logger()
        return self._log


class ExternalLoggingMixin:
    """Marks what keeps its logs in a service of its own."""

    @property
    def log_name(self) -> str:
        raise NotImplementedError

    def get_external_log_url(self, task_instance: Any, try_number: int) -> str:
        raise NotImplementedError

    @property
    def supports_external_link(self) -> bool:
        raise NotImplementedError
