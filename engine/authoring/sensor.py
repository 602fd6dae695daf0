"""Sensors: tasks that look whether something has come, now and then, until it has or time is up.

A sensor writes `poke(context)`. In mode `poke` it looks again and again in one attempt and holds
its slot meanwhile; in mode `reschedule` each look is a phase of the same try, and between two looks
it holds nothing. A sensor may also defer in its own `execute`, and waits for a trigger then.
"""

from __future__ import annotations

import hashlib
import time
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock.authoring import arguments as given
from penstock.authoring.context import Context
from penstock.authoring.errors import InvalidArgumentError
from penstock.authoring.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    TaskDeferralError,
    TaskDeferralTimeout,
)
from penstock.authoring.operator import BaseOperator

DEFAULT_TIMEOUT = timedelta(days=7)

BY_SOFT_FAIL = "Skipping due to soft_fail is set to True."
BY_NEVER_FAIL = "Skipping due to never_fail is set to True."


class PokeReturnValue:
    """What a look found. is_done: nothing more to wait for. xcom_value: what the sensor returns."""

    def __init__(self, is_done: bool, xcom_value: Any | None = None) -> None:
        self.is_done, self.xcom_value = is_done, xcom_value

    def __bool__(self) -> bool:
        return self.is_done


class BaseSensorOperator(BaseOperator):
    """A task that waits. Own sensors write `poke(context)`, which returns whether it is there.

    poke_interval: seconds (or a timedelta) between two looks; with exponential_backoff it doubles
    each time, up to max_wait. timeout: how long all looks together may take; then the sensor fails
    and is not retried. mode: `poke` or `reschedule`. soft_fail: a timeout (and an
    AirflowFailException of poke) skips the task; never_fail: any exception of poke does;
    silent_fail: an exception of poke is logged and counts as "not yet".
    """

    ui_color = "#e6f1f2"
    valid_modes: Iterable[str] = ("poke", "reschedule")

    def __init__(
        self,
        *,
        poke_interval: timedelta | float = 60,
        timeout: timedelta | float | None = None,
        soft_fail: bool = False,
        mode: str = "poke",
        exponential_backoff: bool = False,
        max_wait: timedelta | float | None = None,
        silent_fail: bool = False,
        never_fail: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.poke_interval = self._seconds("poke_interval", poke_interval)
        self.timeout = self._seconds("timeout", DEFAULT_TIMEOUT if timeout is None else timeout)
        self.max_wait = given.duration("max_wait", max_wait, self.place)
        self.exponential_backoff = exponential_backoff
        self.soft_fail, self.silent_fail, self.never_fail = soft_fail, silent_fail, never_fail
        if soft_fail and never_fail:
            raise InvalidArgumentError(
                f"task {self.task_id!r}: soft_fail and never_fail exclude each other; give one.",
                self.place,
            )
        if mode not in self.valid_modes:
            raise InvalidArgumentError(
                f"task {self.task_id!r}: mode must be one of {', '.join(self.valid_modes)}, not "
                f"{mode!r}.",
                self.place,
            )
        self.mode = mode

    def _seconds(self, name: str, value: timedelta | float) -> float:
        span = given.duration(name, value, self.place)
        if span is None:
            raise InvalidArgumentError(f"{name} must be a timedelta or seconds.", self.place)
        return span.total_seconds()

    @property
    def reschedule(self) -> bool:
        """Whether it gives its slot back between two looks."""
        return self.mode == "reschedule"

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Return whether what it waits for is there. Own sensors write this."""
        raise NotImplementedError(f"{type(self).__name__} has no poke(context).")

    def execute(self, context: Context) -> Any:
        watch = _Watch(context["ti"] if self.reschedule else None)
        looks = 1
        while True:
            found = self._look(context)
            if found:
                self.log.info("It is there: going on.")
                return found.xcom_value if isinstance(found, PokeReturnValue) else None
            passed = watch.seconds()
            if passed > self.timeout:
                self._time_out(passed)
            wait = self._next_wait(watch, passed, looks)
            if self.reschedule:
                raise AirflowRescheduleException(datetime.now(UTC) + timedelta(seconds=wait))
            time.sleep(wait)
            looks += 1

    def seconds_waited(self, context: Context) -> float:
        """Return how long this try has lasted by now, its waits included."""
        return _Watch(context["ti"]).seconds()

    def _look(self, context: Context) -> bool | PokeReturnValue:
        try:
            return self.poke(context)
        except AirflowSkipException:
            raise
        except (AirflowSensorTimeout, AirflowTaskTimeout, AirflowFailException) as error:
            self._skip_if_soft(error)
            raise
        except AirflowRescheduleException:
            raise  # its own say when it looks again
        except Exception as error:
            if self.silent_fail:
                self.log.error("Sensor poke failed: \n %s", traceback.format_exc())
                return False
            if self.never_fail:
                raise AirflowSkipException(BY_NEVER_FAIL) from error
            raise

    def _skip_if_soft(self, error: BaseException) -> None:
        if self.soft_fail or self.never_fail:
            why = BY_SOFT_FAIL if self.soft_fail else BY_NEVER_FAIL
            raise AirflowSkipException(why) from error

    def _time_out(self, passed: float) -> None:
        message = (
            f"Sensor has timed out; run duration of {passed:.1f} seconds exceeds the specified "
            f"timeout of {self.timeout:g}."
        )
        raise AirflowSkipException(message) if self.soft_fail else AirflowSensorTimeout(message)

    def resume_execution(
        self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context
    ) -> Any:
        """Go on after a deferral. A wait that was too long is a sensor's timeout."""
        try:
            try:
                return super().resume_execution(next_method, next_kwargs, context)
            except TaskDeferralTimeout as error:
                raise AirflowSensorTimeout(*error.args) from error
        except (AirflowSkipException, AirflowRescheduleException):
            raise
        except (AirflowException, TaskDeferralError) as error:
            self._skip_if_soft(error)
            raise

    # ------------------------------------------------------------ how long to the next look

    def _next_wait(self, watch: _Watch, passed: float, looks: int) -> float:
        """Return the seconds until the next look; `passed` have been waited, in `looks` looks."""
        if not self.exponential_backoff:
            return self.poke_interval
        if self.reschedule:
            looks = self._looks_within(watch, passed)
        wait = min(self.timeout - int(passed), self._backoff(watch, looks))
        if self.max_wait is not None:
            wait = min(self.max_wait.total_seconds(), wait)
        self.log.info("It looks again in %s seconds.", wait)
        return max(wait, 0.0)

    def _looks_within(self, watch: _Watch, passed: float) -> int:
        """Return how many looks the waits so far must have been: a phase knows no number."""
        looks, total = 0, 0.0
        while total <= passed:
            looks += 1
            total += self._backoff(watch, looks)
        return looks

    def _backoff(self, watch: _Watch, looks: int) -> float:
        """Return one to two times the doubled interval: spread, yet the same each time asked."""
        least = max(int(self.poke_interval * 2.0 ** min(looks - 2, 512)), 1)
        name = f"{self.dag_id}#{self.task_id}#{watch.began}#{looks}"
        digest = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
        return float(min(least + int(digest, 16) % least, 10**9))


class _Watch:
    """How long a sensor has waited: in `reschedule` since its try began, else since this attempt.

    ti: of a sensor whose looks are phases, else None.
    """

    def __init__(self, ti: Any) -> None:
        since = None if ti is None else ti.first_started_at
        self._since = None if since is None else since / 1_000_000
        self._now = time.monotonic if self._since is None else time.time
        self.began = self._now() if self._since is None else self._since

    def seconds(self) -> float:
        return self._now() - self.began


def poke_mode_only(cls: type[BaseSensorOperator]) -> type[BaseSensorOperator]:
    """Make a sensor's class refuse any mode but `poke`."""
    if not (isinstance(cls, type) and issubclass(cls, BaseSensorOperator)):
        raise InvalidArgumentError(
            f"@poke_mode_only stands above subclasses of BaseSensorOperator; this is {cls!r}."
        )

    def refuse(self: BaseSensorOperator, mode: str) -> None:
        if mode != "poke":
            raise InvalidArgumentError(
                f"task {self.task_id!r}: {cls.__name__} has no mode {mode!r}, only 'poke'.",
                self.place,
            )

    cls.mode = property(lambda _: "poke", refuse)  # type: ignore[assignment]
    return cls
