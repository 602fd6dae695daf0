"""Makes docs/asyncapi.yaml of `penstock.events.contract`."""

from __future__ import annotations

import re
from typing import Any, get_args

import msgspec
import yaml

from penstock.events.contract import CHANNELS, PARAMETERS, Channel

HEAD = "# Made by docs/generate.py from penstock.events.contract: change that instead.\n"


def document(version: str) -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document."""
    types = {name: kind for one in CHANNELS for name, kind in (one.messages | one.replies).items()}
    schemas, parts = msgspec.json.schema_components(
        types.values(), ref_template="#/components/schemas/{name}"
    )
    for schema in parts.values():
        schema["description"] = " ".join(schema["description"].split())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Penstock",
            "version": version,
            "description": "How other services ask Penstock for runs and hear how they go: a NATS "
            "client and JSON are all they need. docs/contract.md tells it with examples.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "nats": {
                "host": "{host}:{port}",
                "protocol": "nats",
                "description": "Started by `penstock up --nats-port PORT`.",
                "variables": {
                    "host": {"default": "127.0.0.1", "description": "As --nats-host has it."},
                    "port": {"default": "4222", "description": "As --nats-port has it."},
                },
                "security": [{"$ref": "#/components/securitySchemes/nkey"}],
            }
        },
        "channels": {name: made for one in CHANNELS for name, made in channels(one).items()},
        "operations": {one.name: operation(one) for one in CHANNELS},
        "components": {
            "messages": {
                name: message(name, schema) for name, schema in zip(types, schemas, strict=True)
            },
            "schemas": parts,
            "parameters": {name: parameter(*said) for name, said in PARAMETERS.items()},
            "securitySchemes": {
                "nkey": {
                    "type": "asymmetricEncryption",
                    "description": "An nkey: `penstock access add NAME --role ROLE --json` prints "
                    "its seed once. A publisher may ask for runs, a subscriber may hear of them, "
                    "both may do both.",
                }
            },
        },
    }


def channels(one: Channel) -> dict[str, Any]:
    """Return the channel, and the one of its replies if it has any."""
    found: dict[str, Any] = {
        one.name: {
            "address": one.subject,
            "description": one.summary,
            "messages": references(one.messages),
        }
    }
    names = re.findall(r"\{(\w+)\}", one.subject)
    if names:
        found[one.name]["parameters"] = {
            name: {"$ref": f"#/components/parameters/{name}"} for name in names
        }
    if one.replies:
        found[f"{one.name}Reply"] = {
            "address": None,
            "description": "The subject that the asker named for the answer.",
            "messages": references(one.replies),
        }
    return found


def operation(one: Channel) -> dict[str, Any]:
    said: dict[str, Any] = {
        "action": one.action,
        "channel": {"$ref": f"#/channels/{one.name}"},
        "summary": re.split(r"[:;.] ", one.summary)[0] + ".",
        "description": f"For keys with the role {' or '.join(one.roles)}.",
        "messages": [{"$ref": f"#/channels/{one.name}/messages/{name}"} for name in one.messages],
    }
    if one.replies:
        reply = f"#/channels/{one.name}Reply"
        said["reply"] = {
            "address": {"location": "$message.header#/reply"},
            "channel": {"$ref": reply},
            "messages": [{"$ref": f"{reply}/messages/{name}"} for name in one.replies],
        }
    return said


def message(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "contentType": "application/json", "payload": schema}


def references(names: dict[str, Any]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in names}


def parameter(meaning: str, values: Any) -> dict[str, Any]:
    said: dict[str, Any] = {"description": meaning}
    if values is not None:
        said["enum"] = list(get_args(values))
    return said


class _Plain(yaml.SafeDumper):
    """Writes a thing as often as it comes, with no name to refer to it by."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def page(old: str, version: str) -> str:
    """Return the text of docs/asyncapi.yaml. old: what it was; nothing of it is kept."""
    made = document(version)
    return HEAD + yaml.dump(made, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=96)
