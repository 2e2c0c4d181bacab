"""The topics as one AsyncAPI 3 document, from schemas/topics, the schemas of messages and examples.

Source: the AsyncAPI specification 3.0.0 and its Kafka bindings 0.5.0.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from services.identity.adapters.topics import TopicDeclaration, declarations
from services.identity.domain.cluster import (
    Attach,
    Change,
    Create,
    Delete,
    Merge,
    Reanchored,
    Split,
)
from services.identity.domain.ids import Micros, ProfileId, RecordKey, SourceName
from services.identity.wire.change_data import DATA_OF
from services.identity.wire.changes import (
    PROFILE_CHANGES,
    SEGMENT_CHANGES,
    ChangeMessage,
    describe,
    outgoing,
)
from services.identity.wire.dead_letter import RETRY_HEADER
from services.ingest.formats.contracts import DIALECT

DOCUMENT = "schemas/asyncapi/plait.v1.json"
BINDING = "0.5.0"
SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"
CHANGES = {PROFILE_CHANGES: "profile_change", SEGMENT_CHANGES: "segment_change"}
HEADERS: Mapping[str, Mapping[str, str]] = {
    "channel-events": {
        RETRY_HEADER: "Set on a dead letter that is sent again: which letter, and its first try."
    }
}
ADA = ProfileId("3f1c6f0e-6f5e-5d0b-9b43-0d6a1f6f2a01")
BEN = ProfileId("b2a7c1d4-8e4a-5a55-8f0f-5f0c1c9e7b02")
AT = Micros(1_795_166_102_500_000)  # 2026-11-20T09:15:02.5Z
RECORD = RecordKey(source=SourceName("billing"), kind="account_number", key="4401")
EXAMPLES: tuple[Change, ...] = (
    Create(profile=ADA),
    Attach(profile=ADA, records=(RECORD,)),
    Merge(survivor=ADA, absorbed=(BEN,)),
    Split(origin=ADA, into=(BEN,)),
    Reanchored(old=BEN, new=ADA),
    Delete(profile=ADA),
)


def change_schemas() -> Mapping[str, Any]:
    """One document for each topic of changes: what `data` holds follows from `type`."""
    return {
        f"schemas/events/{CHANGES[topic]}.v1.schema.json": _change_schema(kinds)
        for topic, kinds in DATA_OF.items()
    }


def change_examples() -> Mapping[str, Any]:
    stay = {"segment": "churn-risk", "reason": "entered: no visit for 30 days"}
    told = [(PROFILE_CHANGES, *describe(change)) for change in EXAMPLES]
    told.append((PROFILE_CHANGES, ADA, "profile.updated", {}))
    told += [(SEGMENT_CHANGES, ADA, kind, stay) for kind in DATA_OF[SEGMENT_CHANGES]]
    result = {}
    for number, (topic, profile, kind, data) in enumerate(told, start=1):
        message = outgoing(topic, kind, profile=profile, sequence=number, at=AT, data=data)
        document = msgspec.json.decode(message.value or b"")
        result[f"schemas/examples/{topic}/v1/{kind}.json"] = document
    return result


def asyncapi() -> Mapping[str, Any]:
    topics = declarations()
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "plait",
            "version": "1.0.0",
            "description": "What travels between the services, and what they tell the world.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "variables": {"bootstrap": {"default": "127.0.0.1:9092"}},
            }
        },
        "channels": {topic.topic: _channel(topic) for topic in topics},
        "operations": {
            name: operation for topic in topics for name, operation in _operations(topic).items()
        },
        "components": {
            "messages": {topic.topic: _message(topic) for topic in topics if _schema_of(topic)}
        },
    }
    return {DOCUMENT: document}


def _channel(topic: TopicDeclaration) -> dict[str, Any]:
    settings = topic.settings
    retention = -1 if settings.retention_ms is None else settings.retention_ms
    messages = {"message": {"$ref": f"#/components/messages/{topic.topic}"}}
    return {
        "address": topic.topic,
        "description": topic.description.strip(),
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": messages if _schema_of(topic) else {},
        "bindings": {
            "kafka": {
                "topic": topic.topic,
                "partitions": settings.partitions,
                "replicas": settings.replication_factor,
                "topicConfiguration": {
                    "cleanup.policy": ["compact" if settings.compacted else "delete"],
                    "retention.ms": retention,
                    "retention.bytes": -1,
                    "max.message.bytes": settings.message_bytes_max,
                },
                "bindingVersion": BINDING,
            }
        },
    }


def _operations(topic: TopicDeclaration) -> dict[str, Any]:
    """What each service does with a topic."""
    doers = [("send", each) for each in topic.producers]
    doers += [("receive", each) for each in topic.consumers]
    return {
        f"{service}-{action}s-{topic.topic}": {
            "action": action,
            "channel": {"$ref": f"#/channels/{topic.topic}"},
            "tags": [{"name": service}],
        }
        for action, service in doers
    }


def _message(topic: TopicDeclaration) -> dict[str, Any]:
    headers = {
        name: {"type": "string", "description": why}
        for name, why in HEADERS.get(topic.topic, {}).items()
    }
    return {
        "name": topic.topic,
        "contentType": "application/json",
        "payload": {
            "schemaFormat": SCHEMA_FORMAT,
            "schema": {"$ref": f"../{_schema_of(topic)}"},
        },
        "headers": {"type": "object", "properties": headers},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": topic.key},
                "bindingVersion": BINDING,
            }
        },
    }


def _schema_of(topic: TopicDeclaration) -> str | None:
    return topic.versions[-1].schema


def _change_schema(kinds: Mapping[str, type[msgspec.Struct]]) -> dict[str, Any]:
    structs = [ChangeMessage, *dict.fromkeys(kinds.values())]
    tops, components = msgspec.json.schema_components(structs, ref_template="#/$defs/{name}")
    refs = dict(zip(structs, tops, strict=True))
    message = components.pop(ChangeMessage.__name__)
    message["properties"].pop("data")
    message["properties"]["type"] = {"enum": list(kinds)}
    cases = [_case(kind, refs[data], data) for kind, data in kinds.items()]
    return {"$schema": DIALECT, **message, "allOf": cases, "$defs": components}


def _case(kind: str, ref: Mapping[str, Any], data: type[msgspec.Struct]) -> dict[str, Any]:
    """`data` is left out where it would be empty."""
    is_required = bool(msgspec.structs.fields(data))
    then: dict[str, Any] = {"properties": {"data": ref}}
    if is_required:
        then["required"] = ["data"]
    return {"if": {"properties": {"type": {"const": kind}}}, "then": then}
