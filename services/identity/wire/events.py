"""Messages of channel-events: CloudEvents 1.0 in structured mode, one event each.

Source of the envelope: CloudEvents specification 1.0.2, JSON event format.
"""

from datetime import datetime
from typing import Any

import msgspec

TOPIC = "channel-events"
DEAD_LETTER_TOPIC = "channel-events-dlq"
TYPE_PREFIX = "plait."
TYPE_SUFFIX = ".v1"


class RecordRef(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=False):
    """The record the event belongs to: the strongest key it carries by its source's rule."""

    kind: str
    key: str


class ExternalIdMessage(msgspec.Struct, frozen=True, rename="camel"):
    """An identifier as sent; normalised when the event lands."""

    type: str
    id: str


class EventData(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """What the sender said. `dated` is false for rows of a file without a time of their own."""

    record: RecordRef
    received_at: datetime
    dated: bool = True
    sent_at: datetime | None = None
    original_timestamp: datetime | None = None
    event: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    previous_id: str | None = None
    group_id: str | None = None
    external_ids: list[ExternalIdMessage] = []
    traits: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    context: dict[str, Any] = {}


class ChannelEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The envelope: `id` is the message id, `time` the corrected time of the event."""

    id: str
    source: str
    type: str
    time: datetime
    data: EventData
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(ChannelEvent)


def encode(message: ChannelEvent) -> bytes:
    return _encoder.encode(message)


def decode(raw: bytes) -> ChannelEvent:
    """Raises msgspec.DecodeError (broken JSON) or msgspec.ValidationError (wrong shape)."""
    return _decoder.decode(raw)


def record_key_bytes(source: str, record: RecordRef) -> bytes:
    """The partition key: all events of one record stay in order."""
    return f"{source}\x1f{record.kind}\x1f{record.key}".encode()
