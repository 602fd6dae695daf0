"""`conf`: Airflow's settings as DAG files and providers ask for them.

Penstock has no airflow.cfg. A setting is what the environment says, PENSTOCK__SECTION__KEY before
AIRFLOW__SECTION__KEY, else Airflow's default of the few that are asked for without one, else what
the caller gives as `fallback`, else what the provider that owns the setting says in its own table.
What nobody knows is an AirflowConfigException, as in Airflow.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from enum import Enum
from typing import Any, TypeVar

from penstock.airflow.modules import import_string
from penstock.authoring.exceptions import AirflowConfigException

E = TypeVar("E", bound=Enum)

DEFAULTS: dict[tuple[str, str], str] = {
    ("core", "default_timezone"): "utc",
    ("core", "executor"): "LocalExecutor",
    ("core", "load_examples"): "False",
    ("core", "multi_team"): "False",
    ("core", "unit_test_mode"): "False",
    ("email", "email_backend"): "airflow.utils.email.send_email_smtp",
    ("email", "email_conn_id"): "smtp_default",
    ("logging", "encrypt_s3_logs"): "False",
    ("logging", "logging_level"): "INFO",
    ("logging", "remote_logging"): "False",
    ("operators", "default_deferrable"): "false",
    ("operators", "default_owner"): "airflow",
    ("operators", "default_queue"): "default",
    ("scheduler", "catchup_by_default"): "False",
    ("sensors", "default_timeout"): "604800",
    ("smtp", "smtp_host"): "localhost",
    ("smtp", "smtp_mail_from"): "airflow@example.com",
    ("smtp", "smtp_port"): "25",
    ("smtp", "smtp_retry_limit"): "5",
    ("smtp", "smtp_ssl"): "False",
    ("smtp", "smtp_starttls"): "True",
    ("smtp", "smtp_timeout"): "30",
    ("workers", "api_retries"): "5",
    ("workers", "api_retry_wait_max"): "90",
    ("workers", "api_retry_wait_min"): "1",
}

_YES, _NO = frozenset({"t", "true", "1"}), frozenset({"f", "false", "0"})
_ABSENT: Any = object()


class Conf:
    """Airflow's configuration object: `conf.get("section", "key", fallback=...)` and its kin."""

    def get(self, section: str, key: str, fallback: Any = _ABSENT, **_: Any) -> Any:
        """Return a setting as text. AirflowConfigException if there is none and no fallback."""
        section, key = str(section).lower(), str(key).lower()
        for name in _names(section, key):
            if name in os.environ:
                return os.environ[name]
        if (section, key) in DEFAULTS:
            return DEFAULTS[section, key]
        if fallback is not _ABSENT:
            return fallback
        if (found := _of_a_provider(section, key)) is not None:
            return found
        raise AirflowConfigException(
            f"the setting [{section}] {key} is not set, and has no default here. "
            f"Set it in the worker's environment: {_names(section, key)[1]}"
        )

    def get_mandatory_value(self, section: str, key: str, fallback: Any = _ABSENT) -> str:
        """Return a setting that has a value. ValueError if it is None."""
        value = self.get(section, key, fallback)
        if value is None:
            raise ValueError(f"the setting [{section}] {key} must have a value")
        return str(value)

    def getboolean(self, section: str, key: str, fallback: Any = _ABSENT, **_: Any) -> bool:
        """Return a setting that says t, true, 1, f, false or 0, in any case."""
        said = str(self.get(section, key, fallback)).lower().partition("#")[0].strip()
        if said not in _YES | _NO:
            raise _wrong(section, key, said, "true or false")
        return said in _YES

    def getint(self, section: str, key: str, fallback: Any = _ABSENT, **_: Any) -> Any:
        """Return a setting that is a whole number; None if that is the fallback."""
        value: Any = self.get(section, key, fallback)
        try:
            return None if value is None else int(value)
        except (TypeError, ValueError):
            raise _wrong(section, key, value, "a whole number") from None

    def getfloat(self, section: str, key: str, fallback: Any = _ABSENT, **_: Any) -> Any:
        """Return a setting that is a number; None if that is the fallback."""
        value = self.get(section, key, fallback)
        try:
            return None if value is None else float(value)
        except (TypeError, ValueError):
            raise _wrong(section, key, value, "a number") from None

    def getlist(
        self, section: str, key: str, fallback: Any = _ABSENT, delimiter: str = ",", **_: Any
    ) -> Any:
        """Return a setting's parts, which `delimiter` parts."""
        value = self.get(section, key, fallback)
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(delimiter)] if value else []

    def get_mandatory_list_value(self, section: str, key: str, **kwargs: Any) -> list[str]:
        """Return a setting's parts. ValueError if it is None."""
        value = self.getlist(section, key, **kwargs)
        if value is None:
            raise ValueError(f"the setting [{section}] {key} must have a value")
        return list(value)

    def getjson(self, section: str, key: str, fallback: Any = None, **_: Any) -> Any:
        """Return what a setting says in JSON; `fallback` if it is empty."""
        value = self.get(section, key, fallback)
        if not value or not isinstance(value, str):
            return value or fallback
        try:
            return json.loads(value)
        except ValueError:
            raise _wrong(section, key, value, "JSON") from None

    def getimport(self, section: str, key: str, fallback: Any = None, **_: Any) -> Any:
        """Return the object that a setting names by its dotted path; None if it is empty."""
        path = self.get(section, key, fallback)
        if not path or not isinstance(path, str):
            return path or None
        try:
            return import_string(path)
        except ImportError as error:
            raise AirflowConfigException(
                f"the setting [{section}] {key} names {path!r}, which cannot be imported: {error}"
            ) from error

    def getenum(
        self, section: str, key: str, enum_class: type[E], fallback: Any = _ABSENT, **_: Any
    ) -> E:
        """Return the member of an enum that a setting names."""
        value = self.get(section, key, fallback)
        for member in enum_class:
            if str(value) in (member.name, str(member.value)):
                return member
        raise _wrong(section, key, value, f"one of {', '.join(m.name for m in enum_class)}")

    def gettimedelta(self, section: str, key: str, fallback: Any = None, **_: Any) -> Any:
        """Return a setting in seconds as a timedelta; `fallback` if it is empty."""
        value = self.get(section, key, fallback)
        if not value or isinstance(value, dt.timedelta):
            return value or fallback
        try:
            return dt.timedelta(seconds=int(value))
        except (TypeError, ValueError, OverflowError):
            raise _wrong(section, key, value, "a number of seconds") from None

    def has_option(self, section: str, option: str, **_: Any) -> bool:
        """Whether a setting has a value."""
        try:
            self.get(section, option)
        except AirflowConfigException:
            return False
        return True

    def getsection(self, section: str, **_: Any) -> dict[str, Any] | None:
        """Return the settings of a section; None if there is none."""
        wanted = section.lower()
        found: dict[str, Any] = {
            key: value for (of, key), value in DEFAULTS.items() if of == wanted
        }
        for first in ("AIRFLOW", "PENSTOCK"):
            prefix = f"{first}__{_spelled(wanted)}__"
            found |= {
                name.removeprefix(prefix).lower(): value
                for name, value in os.environ.items()
                if name.startswith(prefix)
            }
        return found or None

    def has_section(self, section: str, **_: Any) -> bool:
        """Whether a section has a setting."""
        return self.getsection(section) is not None


conf = Conf()
"""`from airflow.configuration import conf`."""


def _names(section: str, key: str) -> tuple[str, str]:
    tail = f"__{_spelled(section)}__{_spelled(key)}"
    return f"PENSTOCK{tail}", f"AIRFLOW{tail}"


def _spelled(name: str) -> str:
    return name.replace(".", "_").replace("-", "_").upper()


def _of_a_provider(section: str, key: str) -> str | None:
    from penstock.authoring.provided import installed

    for provider in installed().values():
        options = provider.data.get("config", {}).get(section, {}).get("options", {})
        default = options.get(key, {}).get("default")
        if default is not None:
            return str(default)
    return None


def _wrong(section: str, key: str, value: Any, wanted: str) -> AirflowConfigException:
    return AirflowConfigException(
        f"the setting [{section}] {key} is {value!r}, and has to be {wanted}"
    )
