"""For other services: ask Penstock for runs, and hear how they go. Needs nats-py and msgspec alone.

    async with Client.connect(url, nkey_seed=seed) as penstock:
        run = await penstock.request_run("nightly", {"rows": 1000})
        async for notice in penstock.notices(after=0):
            print(notice["type"], notice["data"])

Every message is a CloudEvent 1.0 as JSON. A trigger's `id` makes it idempotent: the same id from
the same source starts one run, however often it comes; so a trigger that failed may be sent again.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from penstock.errors import PenstockError
from penstock.events.bus import BusError, UnknownSubjectError
from penstock.events.nats_connection import NatsConnection, Report
from penstock.events.nats_reading import first_since, last_of, replay
from penstock.events.subjects import Subjects

SOURCE = "penstock.client"
STREAM = "NOTICES"
_RETRY_PAUSE = 0.1


class TriggerRefusedError(PenstockError):
    """Penstock does not start that run; the message is its reason."""


class Notice(dict[str, Any]):
    """A CloudEvent: a run or a task reached a state. position: its place among all notices.

    `data` has at least `dag_id`, `run_id` and `state`; the attribute `sequence` rises within a run.
    A notice may come twice, with the same `id`.
    """

    position: int = 0


class Client:
    """A connection to a Penstock, with the key of `penstock access add`. See the module."""

    def __init__(self, connection: NatsConnection, subjects: Subjects) -> None:
        self._connection, self._subjects = connection, subjects

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(
        cls,
        url: str,
        *,
        nkey_seed: str | None = None,
        prefix: str = "penstock",
        timeout: float = 5.0,
        on_error: Report = lambda error: None,
    ) -> AsyncIterator[Client]:
        """Connect for the length of an `async with`; it reconnects by itself.

        Raises BusError if nobody lets us in within `timeout` seconds.
        """
        connection = await NatsConnection.open(
            url, seed=nkey_seed, name="penstock-client", timeout=timeout, on_error=on_error
        )
        try:
            yield cls(connection, Subjects(prefix))
        finally:
            await connection.close()

    async def trigger(
        self,
        dag_id: str,
        conf: Mapping[str, Any] | None = None,
        *,
        id: str | None = None,
        run_id: str | None = None,
        logical_date: datetime | None = None,
        source: str = SOURCE,
        timeout: float = 10.0,
    ) -> str:
        """Ask for a run and return the trigger's id once it is kept, whether Penstock is up or not.

        Tried again, under the same id, while the connection is lost. Raises BusError when it was
        not acked within `timeout` seconds; it may be kept all the same.
        """
        event = _trigger(dag_id, conf, id, run_id, logical_date, source)
        payload, subject = msgspec.json.encode(event), self._subjects.trigger(dag_id)
        try:
            async with asyncio.timeout(timeout):
                while True:
                    with contextlib.suppress(_Again):
                        await self._keep(subject, payload, timeout)
                        return str(event["id"])
                    await asyncio.sleep(_RETRY_PAUSE)
        except TimeoutError:
            raise BusError(f"{subject}: the trigger was not acked within {timeout:g} s") from None

    async def request_run(
        self,
        dag_id: str,
        conf: Mapping[str, Any] | None = None,
        *,
        id: str | None = None,
        run_id: str | None = None,
        logical_date: datetime | None = None,
        source: str = SOURCE,
        timeout: float = 10.0,
    ) -> dict[str, Any]:
        """Ask for a run and return {"dag_id", "run_id", "state"}.

        Raises TriggerRefusedError with the reason why not, UnknownSubjectError while no Penstock
        listens (or the key's role is `subscriber`), BusError when no answer comes.
        """
        event = _trigger(dag_id, conf, id, run_id, logical_date, source)
        subject = self._subjects.rpc_trigger(dag_id)
        try:
            message = await self._connection.call(
                subject, msgspec.json.encode(event), timeout=timeout
            )
        except UnknownSubjectError:
            raise UnknownSubjectError(
                f"{subject}: no Penstock listens now, or this key may not trigger; "
                f"`trigger` keeps the request until one does"
            ) from None
        answer: dict[str, Any] = msgspec.json.decode(message.data)
        if "error" in answer:
            raise TriggerRefusedError(str(answer["error"]))
        return answer

    async def position(self) -> int:
        """Return the place of the newest notice, 0 if there is none: an `after` for later."""
        return await last_of(self._connection, STREAM, self._subjects.events)

    async def notices(
        self,
        pattern: str = "event.>",
        *,
        after: int | datetime | None = None,
        live: bool = True,
    ) -> AsyncIterator[Notice]:
        """Yield notices in order, without a gap, over reconnects; what is kept goes back 14 days.

        pattern: below the prefix, with `*` and `>`: `event.run.nightly.*`. after: a position (0 for
        all that is kept), a moment, or None for what comes from now on. live: wait for more, else
        end. Raises BusError when the key's role may not hear notices.
        """
        subject = f"{self._subjects.prefix}.{pattern}"
        if isinstance(after, datetime):
            since = _rfc3339(after)
            start = await first_since(self._connection, STREAM, self._subjects.events, since)
        else:
            start = await self.position() if after is None else after
        async for stored in replay(self._connection, STREAM, subject, after=start, live=live):
            notice = Notice(msgspec.json.decode(stored.payload))
            notice.position = stored.sequence
            yield notice

    async def _keep(self, subject: str, payload: bytes, timeout: float) -> None:
        try:
            answer = await self._connection.call(subject, payload, timeout=timeout)
        except UnknownSubjectError:
            # A server that has just come back lets clients in before its streams answer.
            if self._connection.generation and await self._connection.mends():
                raise _Again from None
            raise UnknownSubjectError(
                f"{subject}: nobody keeps triggers here, or this key may not trigger"
            ) from None
        except BusError:
            if self._connection.closed:
                raise
            raise _Again from None
        refused = msgspec.json.decode(answer.data).get("error")
        if refused:
            raise BusError(f"{subject}: the trigger was not kept: {refused['description']}")


class _Again(Exception):
    """The connection is lost for the moment."""


def _trigger(
    dag_id: str,
    conf: Mapping[str, Any] | None,
    id: str | None,
    run_id: str | None,
    logical_date: datetime | None,
    source: str,
) -> dict[str, Any]:
    """Return the CloudEvent that asks for a run."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": id or str(uuid.uuid4()),
        "source": source,
        "type": "penstock.trigger",
        "subject": dag_id,
        "datacontenttype": "application/json",
        "data": dict(conf or {}),
    }
    if run_id is not None:
        event["runid"] = run_id
    if logical_date is not None:
        event["logicaldate"] = _rfc3339(logical_date)
    return event


def _rfc3339(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} names no moment: give it a time zone, as UTC")
    return moment.isoformat()
