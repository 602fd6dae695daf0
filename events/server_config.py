"""What the embedded nats-server is told: one file, written from a few settings and two tables.

Permissions inside one account do not protect a stream: who may ask JetStream anything at all can
aim its answer at any subject of that account. Accounts do protect. So each kind of stranger lives
in an account of its own, and what crosses is listed here, and nothing else crosses:

- LOG: the coordinators. The streams live here, and only here does anything write `log.>`.
- WORK: the workers. Their words cross as a stream; what JetStream keeps for them (logs, blobs) and
  what they ask crosses as a service, so that answers go to a subject that the server made up.
- EDGE_<role>_<slot>: each outside service by itself, so that one cannot forge what another hears.
  A role is the list of what its account imports, not a permission within it. Spare accounts stand
  ready, since an account that a reload adds gets nothing of what it imports (nats-server 2.15.1: it
  answers "no responders" for ever), while a user that is added to one that is there does.

No account but LOG can create a consumer: a consumer's delivery subject is one of LOG's, so whoever
may create one may write there. Replay is by direct get, which answers only to the asker.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from msgspec import Struct

from penstock.events.streams import MIB, STREAMS
from penstock.events.subjects import Subjects

EDGE_ROLES = ("publisher", "subscriber", "both", "admin")
SPARE = 8
"""Accounts of each role that stand ready for services to come, between two starts."""

Role = Literal["publisher", "subscriber", "both", "admin"]

MAX_PAYLOAD = 8 * MIB
"""Bytes. Records are bounded at 256 KiB; a DAG of 10,000 tasks as one fact needs some 2 MiB."""

MAX_FILE_STORE = sum(stream.max_bytes for stream in STREAMS) + 4096 * MIB
"""Bytes. Explicit, since the default follows what is free at start and shrinks at each restart."""


class ServerSettings(Struct, kw_only=True):
    """What a start of the server was given. keys: public nkeys by user, of this start.

    slots: by role, how many accounts for services there are; more need a restart.
    port: -1 for any free one. sync: JetStream's `sync_interval`: `always`, or a duration (`2m`).
    """

    host: str = "127.0.0.1"
    port: int = -1
    sync: str = "always"
    prefix: str = "penstock"
    max_file_store: int = MAX_FILE_STORE
    keys: dict[str, str] = {}
    slots: dict[str, int] = {}

    def make_room(self, users: Iterable[EdgeUser]) -> None:
        """Set the accounts that a start is to have: those in use, and some to spare."""
        self.slots = dict.fromkeys(EDGE_ROLES, SPARE)
        for user in users:
            self.slots[user.role] = max(self.slots[user.role], user.slot + 1 + SPARE)

    def has_room(self, users: Iterable[EdgeUser]) -> bool:
        return all(user.slot < self.slots.get(user.role, 0) for user in users)


class EdgeUser(Struct, kw_only=True):
    """One outside service. key: its public nkey; the seed is nowhere but with the service.

    slot: which of its role's accounts is its own.
    """

    name: str
    role: Role
    key: str
    slot: int = 0


def free_slot(users: Iterable[EdgeUser], role: Role) -> int:
    """Return the first of the role's accounts that none of `users` has."""
    taken = {user.slot for user in users if user.role == role}
    return next(slot for slot in range(len(taken) + 1) if slot not in taken)


class _Crossing(Struct):
    """kind: `stream` (subscribed from there) or `service` (published to there). many: answers."""

    kind: Literal["stream", "service"]
    subject: str
    many: bool = False

    def export(self) -> str:
        answers = ", response_type: stream" if self.many else ""
        return f"{{ {self.kind}: {_quote(self.subject)}{answers} }}"

    def import_from(self, account: str) -> str:
        return f"{{ {self.kind}: {{ account: {account}, subject: {_quote(self.subject)} }} }}"


def _direct_get(stream: str) -> list[_Crossing]:
    get = f"$JS.API.DIRECT.GET.{stream}"
    return [_Crossing("service", get, many=True), _Crossing("service", f"{get}.>", many=True)]


def _crossings(prefix: str) -> dict[str, list[_Crossing]]:
    """What LOG gives to whom."""
    subjects = Subjects(prefix)
    triggers = [
        _Crossing("service", subjects.triggers),
        _Crossing("service", subjects.rpc_triggers),
    ]
    notices = [_Crossing("stream", subjects.events), *_direct_get("NOTICES")]
    return {
        "worker": [
            _Crossing("stream", subjects.all_down),
            _Crossing("stream", subjects.all_workers),
            _Crossing("service", subjects.ask),
            _Crossing("service", subjects.logs),
            _Crossing("service", subjects.blobs),
            *_direct_get("BLOBS"),
        ],
        "publisher": triggers,
        "subscriber": notices,
        "both": [*triggers, *notices],
        "admin": [
            *triggers,
            *notices,
            _Crossing("service", subjects.all_api),
            _Crossing("stream", subjects.logs),
            *(one for stream in ("LOG", "LOGS", "DEAD", "BLOBS") for one in _direct_get(stream)),
        ],
    }


def render(settings: ServerSettings, folder: Path, users: Iterable[EdgeUser]) -> str:
    """Return the text of nats.conf. Every field on a line of its own: the parser wants it so."""
    return f"""\
# Written by Penstock at each start and by `penstock access`; what is changed here is lost.
server_name: penstock
host: {_quote(settings.host)}
port: {settings.port}
ports_file_dir: {_quote(str(folder))}
pid_file: {_quote(str(folder / "nats.pid"))}
log_file: {_quote(str(folder / "nats.log"))}
logfile_size_limit: 16MB
logfile_max_num: 4
max_payload: {MAX_PAYLOAD}
max_pending: {128 * MIB}
max_control_line: 8192
write_deadline: "10s"
lame_duck_duration: "30s"
jetstream {{
  store_dir: {_quote(str(folder / "store"))}
  max_memory_store: {256 * MIB}
  max_file_store: {settings.max_file_store}
  sync_interval: {settings.sync}
}}
accounts {{
{_accounts(settings, users)}
}}
"""


def _accounts(settings: ServerSettings, users: Iterable[EdgeUser]) -> str:
    subjects, crossings = Subjects(settings.prefix), _crossings(settings.prefix)
    up = _Crossing("stream", subjects.all_up)
    exports = {one.subject + one.kind: one for given in crossings.values() for one in given}
    may_publish = [
        subjects.all_up,
        *(one.subject for one in crossings["worker"] if one.kind == "service"),
    ]
    may_hear = [
        "_INBOX.>",
        *(one.subject for one in crossings["worker"] if one.kind == "stream"),
    ]
    permissions = (
        f"permissions: {{ publish: {{ allow: {json.dumps(may_publish)} }}, "
        f"subscribe: {{ allow: {json.dumps(may_hear)} }} }}"
    )
    log = _account(
        "LOG",
        user=f"{{ nkey: {settings.keys['coordinator']} }}",
        jetstream=True,
        exports=[one.export() for one in exports.values()],
        imports=[up.import_from("WORK")],
    )
    work = _account(
        "WORK",
        user=f"{{ nkey: {settings.keys['worker']}, {permissions} }}",
        exports=[up.export()],
        imports=[one.import_from("LOG") for one in crossings["worker"]],
    )
    admin = _account(
        "ADMIN",
        user=f"{{ nkey: {settings.keys['admin']} }}",
        imports=[one.import_from("LOG") for one in crossings["admin"]],
    )
    keys: dict[tuple[str, int], str] = {(user.role, user.slot): user.key for user in users}
    edges = [
        _account(
            f"EDGE_{role}_{slot}",
            user=f"{{ nkey: {keys[role, slot]} }}" if (role, slot) in keys else "",
            imports=[one.import_from("LOG") for one in crossings[role]],
        )
        for role, slots in settings.slots.items()
        for slot in range(slots)
    ]
    return "\n".join([log, work, admin, *edges])


def _account(
    name: str,
    *,
    user: str,
    jetstream: bool = False,
    exports: Iterable[str] = (),
    imports: Iterable[str] = (),
) -> str:
    kept = "    jetstream: enabled\n" if jetstream else ""
    return f"""\
  {name} {{
{kept}    users: [ {user} ]
    exports: [{_rows(exports)}]
    imports: [{_rows(imports)}]
  }}"""


def _rows(rows: Iterable[str]) -> str:
    text = ",\n".join(f"      {row}" for row in rows)
    return f"\n{text}\n    " if text else ""


def _quote(text: str) -> str:
    return json.dumps(text)
