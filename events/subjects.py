"""Every subject, in one table. Ids are percent-encoded, so that a dot in one stays in its token.

| subject | from, to | kind |
| --- | --- | --- |
| log.leader, log.facts | leader | stream LOG |
| work.up.<worker> | worker to leader | words |
| work.down.<worker>, work.all | leader to workers | words |
| work.ask | worker to leader | request |
| work.logs.<dag_id>.<run>.<task>.<index>.<try> | worker | stream LOGS |
| trigger.<dag_id> | other services | stream TRIGGERS |
| rpc.trigger.<dag_id> | other services, CLI to leader | request |
| api.<verb> | CLI, web to any coordinator | request |
| lead | leader to standbys | words |
| event.run.<dag_id>.<state>, event.task.<dag_id>.<task_id>.<state> | leader | stream NOTICES |
| dead.<kind> | leader | stream DEAD |
| blob.<digest>.<chunk>, blob.<digest>.all | whoever has a large value | stream BLOBS |
"""

from __future__ import annotations

import hashlib
from urllib.parse import quote, unquote

from penstock.events.types import Attempt

EMPTY = "%"
"""The token of an empty id: no other id has it, since a percent sign in one is written %25."""


LONGEST = 600
"""Characters of a token. A client takes 4,096 in a control line, a server 8,192 (and cuts off who
sends more); 250 letters that ASCII does not have become up to 3,000 by percent-encoding."""

SHORTENED = "%~"
"""What stands where a long token was cut, before a digest. No id has it: `%` is written `%25`."""


def token(text: str) -> str:
    """Return `text` as one subject token: nothing in it that NATS gives a meaning to."""
    made = quote(text, safe="-_:+=@,").replace(".", "%2E") or EMPTY
    if len(made) <= LONGEST:
        return made
    return f"{made[:480]}{SHORTENED}{hashlib.sha256(text.encode()).hexdigest()[:40]}"


def untoken(token: str) -> str:
    """Return the text that `token` was made of; of a shortened one, something to show."""
    return "" if token == EMPTY else unquote(token)


def matches(pattern: str, subject: str) -> bool:
    """Whether a subject is among those that a pattern with `*` and `>` means."""
    wanted, tokens = pattern.split("."), subject.split(".")
    for place, token in enumerate(wanted):
        if token == ">":
            return len(tokens) > place
        if place >= len(tokens) or token not in ("*", tokens[place]):
            return False
    return len(wanted) == len(tokens)


class Subjects:
    """The table under one prefix (a setting, `penstock` by default)."""

    def __init__(self, prefix: str = "penstock") -> None:
        self.prefix = prefix
        self.log = f"{prefix}.log.>"
        self.log_leader = f"{prefix}.log.leader"
        self.log_facts = f"{prefix}.log.facts"
        self.all_up = f"{prefix}.work.up.*"
        self.all_down = f"{prefix}.work.down.*"
        self.all_workers = f"{prefix}.work.all"
        self.ask = f"{prefix}.work.ask"
        self.logs = f"{prefix}.work.logs.>"
        self.triggers = f"{prefix}.trigger.>"
        self.rpc_triggers = f"{prefix}.rpc.trigger.>"
        self.lead = f"{prefix}.lead"
        self.all_api = f"{prefix}.api.*"
        self.events = f"{prefix}.event.>"
        self.dead = f"{prefix}.dead.>"
        self.blobs = f"{prefix}.blob.>"

    def up(self, worker: str) -> str:
        return f"{self.prefix}.work.up.{token(worker)}"

    def down(self, worker: str) -> str:
        return f"{self.prefix}.work.down.{token(worker)}"

    def log_of(self, attempt: Attempt) -> str:
        dag_id, run_id = attempt.run.split("/", 1)
        return (
            f"{self.prefix}.work.logs.{token(dag_id)}.{token(run_id)}.{token(attempt.task)}"
            f".{attempt.index}.{attempt.try_number}"
        )

    def trigger(self, dag_id: str) -> str:
        return f"{self.prefix}.trigger.{token(dag_id)}"

    def rpc_trigger(self, dag_id: str) -> str:
        return f"{self.prefix}.rpc.trigger.{token(dag_id)}"

    def api(self, verb: str) -> str:
        return f"{self.prefix}.api.{verb}"

    def run_event(self, dag_id: str, state: str) -> str:
        return f"{self.prefix}.event.run.{token(dag_id)}.{state}"

    def task_event(self, dag_id: str, task_id: str, state: str) -> str:
        return f"{self.prefix}.event.task.{token(dag_id)}.{token(task_id)}.{state}"

    def dead_letter(self, kind: str) -> str:
        return f"{self.prefix}.dead.{token(kind)}"

    def blob(self, digest: str, chunk: int | str) -> str:
        return f"{self.prefix}.blob.{digest}.{chunk}"
