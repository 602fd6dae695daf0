"""What notices say: each state of a run or a task instance as a CloudEvent (`events.types.Notice`).

All notices of a task's state differ in a few numbers only, and a wide fan-out has tens of thousands
of them. So one is encoded as the type says it, with marks in the place of what differs, and the
rest are put together from its pieces: in a third of the time.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from penstock.events.subjects import Subjects
from penstock.events.types import encode
from penstock.events.words import Notice
from penstock.lifecycle.commands import Notify, NotifyRun

Told = Notify | NotifyRun

MOST_FORMS = 1024

# Nobody can guess them, so nobody's ids have them.
_ID, _TIME, _INDEX, _NUMBER, _CAUSE = (10**18 + secrets.randbelow(10**18) for _ in range(5))
_MARKS = re.compile(f"{_ID}|{_TIME}|{_INDEX}|{_NUMBER}|{_CAUSE}".encode())


class Form(NamedTuple):
    """The notices of a task's state: a subject, and the pieces around what differs."""

    subject: str
    pieces: list[bytes]


class Notices:
    """Makes them. source: the CloudEvents' attribute."""

    def __init__(self, subjects: Subjects, source: str) -> None:
        self.subjects, self.source = subjects, source
        self.forms: dict[tuple[str, str, str, int, str], Form] = {}

    def of(self, command: Told, skip: int = 0) -> Iterator[tuple[str, bytes]]:
        """Yield (subject, CloudEvent) of a command's notices, without the first `skip`."""
        if isinstance(command, NotifyRun):
            yield self._of_run(command)
            return
        subject, (start, to_time, to_index, to_number, to_cause, end) = self._form(command)
        after_id = to_time + rfc3339(command.at).encode() + to_index
        after_number = to_cause + command.caused_by.encode() + end
        for place in range(skip, command.last - command.first):
            number, index = command.sequence + place, command.first + place
            varying = (start, number, after_id, index, to_number, number, after_number)
            yield subject, b"%b%d%b%d%b%d%b" % varying

    def _of_run(self, command: NotifyRun) -> tuple[str, bytes]:
        notice = self._notice(command, "run", command.run, {})
        dag_id = command.run.partition("/")[0]
        return self.subjects.run_event(dag_id, command.state), encode(notice)

    def _form(self, command: Notify) -> Form:
        key = (command.run, command.task, command.state, command.try_number, command.reason)
        form = self.forms.get(key)
        if form is None:
            if len(self.forms) >= MOST_FORMS:
                self.forms.clear()
            form = self.forms[key] = self._new_form(command)
        return form

    def _new_form(self, command: Notify) -> Form:
        own = {
            "task_id": command.task,
            "try_number": command.try_number,
            "map_index": _INDEX,
        }
        notice = self._notice(command, "task", f"{command.run}/{command.task}", own)
        marked = Notice(
            id=f"{command.run}#{_ID}",
            source=notice.source,
            type=notice.type,
            subject=notice.subject,
            time=str(_TIME),
            data=notice.data,
            sequence=_NUMBER,
            causedby=str(_CAUSE),
        )
        dag_id = command.run.partition("/")[0]
        subject = self.subjects.task_event(dag_id, command.task, command.state)
        return Form(subject, _MARKS.split(encode(marked)))

    def _notice(self, command: Told, what: str, about: str, own: dict[str, Any]) -> Notice:
        dag_id, _, run_id = command.run.partition("/")
        data: dict[str, Any] = {"dag_id": dag_id, "run_id": run_id, "state": command.state}
        if command.reason:
            data["reason"] = command.reason
        return Notice(
            id=f"{command.run}#{command.sequence}",
            source=self.source,
            type=f"penstock.{what}.{command.state}",
            subject=about,
            time=rfc3339(command.at),
            data=data | own,
            sequence=command.sequence,
            causedby=command.caused_by,
        )


def rfc3339(at: int) -> str:
    """Return a time of microseconds as RFC 3339 writes it, in UTC."""
    second, micro = divmod(at, 1_000_000)
    return f"{second_of(second)}.{micro:06d}Z"


@lru_cache(maxsize=64)
def second_of(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"
