"""Every generated file of the repository, by path: what `make schemas` writes and a test compares.

A service adds its documents by adding a function here.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from services.identity.adapters.clock import ManualClock
from services.identity.adapters.memory.sources import MemorySources
from services.identity.domain.errors import RejectedError
from services.identity.domain.events import EventType
from services.identity.domain.ids import Micros, SourceName
from services.identity.domain.source import Source
from services.identity.ports import OutgoingMessage, Position
from services.identity.wire.dead_letter import DeadLetter
from services.identity.wire.events import ChannelEvent, encode
from services.ingest.accept import Arrival
from services.ingest.app import create_app
from services.ingest.formats import canonical, contracts, sdk
from services.ingest.formats.limits import Limits
from services.ingest.letters import letter
from services.ingest.settings import IngestSettings
from services.profile_api.app import openapi_document
from tests.golden.asyncapi import asyncapi, change_examples, change_schemas
from tests.golden.commands import command_examples, command_schema
from tests.golden.pictures import pictures

ROOT = Path(__file__).parents[2]
REQUESTS = ROOT / "schemas/examples/requests/v1"
RECEIVED = Micros(1_795_166_102_500_000)  # 2026-11-20T09:15:02.5Z
SEVERAL = (contracts.BATCH, contracts.EVENTS)


def documents() -> dict[Path, str]:
    """Path -> text."""
    found: dict[Path, str] = {}
    parts = (event_schemas(), message_schemas(), message_examples(), ingest_openapi())
    commands = (command_schema(), command_examples())
    topics = (*commands, change_schemas(), change_examples(), asyncapi())
    for part in (*parts, profile_api_openapi(), *topics):
        found.update({ROOT / path: _text(value) for path, value in part.items()})
    return found | {ROOT / path: text for path, text in pictures().items()}


def event_schemas() -> Mapping[str, Any]:
    return {
        f"schemas/events/{name}.v1.schema.json": contracts.schema_of(name)
        for name in contracts.structs()
    }


def message_schemas() -> Mapping[str, Any]:
    """What travels on the topics that ingest writes."""
    result = {}
    for name, struct in (("channel_event", ChannelEvent), ("dead_letter", DeadLetter)):
        document = {"$schema": contracts.DIALECT, **msgspec.json.schema(struct)}
        result[f"schemas/events/{name}.v1.schema.json"] = document
    return result


def message_examples() -> Mapping[str, Any]:
    """The message that each example of a request becomes, and one dead letter."""
    result = {}
    for path in sorted(REQUESTS.glob("*.json")):
        contract = contract_of(path)
        if contract not in SEVERAL:
            message = json.loads(encode(_accepted(contract, path.read_bytes())))
            result[f"schemas/examples/channel-events/v1/{path.name}"] = message
    refused = _refused(b'{"event": "Product Viewed"}')
    result["schemas/examples/channel-events-dlq/v1/no_identifier.json"] = json.loads(refused)
    return result


def ingest_openapi() -> Mapping[str, Any]:
    app = create_app(IngestSettings(), _NoLog(), MemorySources(), ManualClock(RECEIVED))
    return {"schemas/openapi/ingest.v1.json": app.openapi()}


def profile_api_openapi() -> Mapping[str, Any]:
    return {"schemas/openapi/profile_api.v1.json": openapi_document()}


def contract_of(example: Path) -> str:
    """`<contract>.<case>.json`."""
    return example.name.partition(".")[0]


def _accepted(contract: str, raw: bytes) -> ChannelEvent:
    source = Source(name=SourceName("example"), channel="web", workspace="main")
    arrival = Arrival(source=source, received_at=RECEIVED)
    if contract in set(EventType):
        return sdk.accept_call(raw, EventType(contract), arrival=arrival, limits=Limits())
    return canonical.accept_channel_event(raw, arrival=arrival, limits=Limits())


def _refused(raw: bytes) -> bytes:
    try:
        _accepted("track", raw)
    except RejectedError as error:
        message = letter(
            raw, error, origin="ingest", source="example", position="/v1/track", at=RECEIVED
        )
        assert message.value is not None
        return message.value
    raise AssertionError("the example of a dead letter was accepted")


class _NoLog:
    def append(self, messages: Sequence[OutgoingMessage]) -> Sequence[Position]:
        raise AssertionError(len(messages))

    def close(self) -> None:
        """Nothing is open."""


def _text(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
