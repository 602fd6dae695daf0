"""What the embedded nats-server is told: one file, written from a few settings and two tables.

Permissions inside one account do not protect a stream: who may ask JetStream anything at all can
aim its answer at any subject of that account. Accounts do protect. So each kind of stranger lives
in an account of its own, and what crosses is listed here, and nothing else crosses:

- LOG: the coordinators. The streams live here, and only here does anything write `log.>`.
- WORK: the workers. Their words cross as a stream; what JetStream keeps for them (logs, blobs) and
  what they ask crosses as a service, so that answers go to a subject that the server made up.
- EDGE_<name>: each outside service by itself, so that one cannot forge what another hears. A role
  is the list of what its account imports, not a permission within it.

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

Role = Literal["publisher", "subscriber", "both", "admin"]

MAX_PAYLOAD = 8 * MIB
"""Bytes. Records are bounded at 256 KiB; a DAG of 10,000 tasks as one fact needs some 2 MiB."""

MAX_FILE_STORE = sum(stream.max_bytes for stream in STREAMS) + 4096 * MIB
"""Bytes. Explicit, since the default follows what is free at start and shrinks at each restart."""


class ServerSettings(Struct, kw_only=True):
    """What a start of the server was given. keys: public nkeys by user, of this start.

    port: -1 for any free one. sync: JetStream's `sync_interval`: `always`, or a duration (`2m`).
    """

    host: str = "127.0.0.1"
    port: int = -1
    sync: str = "always"
    prefix: str = "penstock"
    max_file_store: int = MAX_FILE_STORE
    keys: dict[str, str] = {}


class EdgeUser(Struct, kw_only=True):
    """One outside service. key: its public nkey; the seed is nowhere but with the service."""

    name: str
    role: Role
    key: str


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
    admin = EdgeUser(name="admin", role="admin", key=settings.keys["admin"])
    edges = [
        _account(
            "ADMIN" if user is admin else f"EDGE_{user.name}",
            user=f"{{ nkey: {user.key} }}",
            imports=[one.import_from("LOG") for one in crossings[user.role]],
        )
        for user in (admin, *users)
    ]
    return "\n".join([log, work, *edges])


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
