"""What was posted, told when it arrived, becomes a message of channel-events, or is refused."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec

from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.domain.events import EventType
from services.identity.domain.identifiers import normalise
from services.identity.domain.ids import Micros
from services.identity.domain.instants import instant_of
from services.identity.domain.source import Source, key_order
from services.identity.wire.events import (
    TYPE_PREFIX,
    TYPE_SUFFIX,
    ChannelEvent,
    EventData,
    ExternalIdMessage,
    RecordRef,
)
from services.ingest.formats.decode import decode_object
from services.ingest.formats.limits import check_id
from services.ingest.formats.messages import Body
from services.ingest.times import occurred_at, parse_instant

MESSAGE_TYPES = {each: f"{TYPE_PREFIX}{each}{TYPE_SUFFIX}" for each in EventType}
_CHANNEL_KEYS = ("account_number", "contact_id")
_NOT_SAID = ("sentAt", "writeKey", "_metadata")
"""Members that differ between honest retries of one event, or say nothing about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Whose request it is, when it came, and what it says for all of its events."""

    source: Source
    received_at: Micros
    sent_at: str | None = None
    context: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One event after decoding: its type, what it is called, and the members of its struct."""

    type: EventType
    body: Body
    name: str | None = None
    properties: Mapping[str, Any] | None = None
    keys: tuple[tuple[str, str | int | None], ...] = ()
    previous_id: str | int | None = None
    group_id: str | int | None = None


def accept(said: Said, raw: bytes | msgspec.Raw, arrival: Arrival) -> ChannelEvent:
    """The message to append. Raises RejectedError when it never can be one.

    Record: the first key, in the order of its channel, that the event carries and that can name
    somebody; `null` or `anonymous` name nobody. The other keys stay with it as identifiers.
    """
    body = said.body
    keys = _keys(said)
    record = _record(keys, arrival.source.channel)
    happened = occurred_at(
        received_at=arrival.received_at,
        original=body.original_timestamp or body.timestamp,
        sent_at=body.sent_at or arrival.sent_at,
    )
    context = body.context or {}
    return ChannelEvent(
        id=_message_id(said, raw, arrival.source),
        source=arrival.source.name,
        type=MESSAGE_TYPES[said.type],
        time=instant_of(happened),
        data=EventData(
            record=record,
            received_at=instant_of(arrival.received_at),
            sent_at=_instant(body.sent_at or arrival.sent_at),
            original_timestamp=_instant(body.original_timestamp or body.timestamp),
            event=said.name,
            user_id=keys.get("user_id"),
            anonymous_id=keys.get("anonymous_id"),
            previous_id=_id("previousId", said.previous_id),
            group_id=_id("groupId", said.group_id),
            external_ids=_external_ids(body, context, keys, record),
            traits=body.traits or {},
            properties=dict(said.properties or {}),
            context={**arrival.context, **context} if arrival.context else context,
        ),
    )


def _keys(said: Said) -> dict[str, str]:
    """The keys of the event that can name somebody."""
    offered = (
        ("user_id", said.body.user_id),
        ("anonymous_id", said.body.anonymous_id),
        *said.keys,
    )
    result = {}
    for kind, raw in offered:
        value = _id(kind, raw)
        if value is not None and normalise(kind, value, None) is not None:
            result[kind] = value
    return result


def _id(name: str, raw: str | int | None) -> str | None:
    if raw is None:
        return None
    return check_id(name, str(raw).strip()) or None


def _record(keys: Mapping[str, str], channel: str) -> RecordRef:
    for kind in key_order(channel):
        if kind in keys:
            return RecordRef(kind=kind, key=keys[kind])
    raise RejectedError(
        RejectReason.NO_IDENTIFIER,
        "the event names nobody; send userId, accountNumber, contactId or anonymousId",
    )


def _instant(text: str | None) -> datetime | None:
    at = parse_instant(text) if text else None
    return None if at is None else instant_of(at)


def _message_id(said: Said, raw: bytes | msgspec.Raw, source: Source) -> str:
    """As given, else from the source and what was said: equal for a retry that adds no id."""
    given = _id("messageId", said.body.message_id)
    if given is not None:
        return given
    content = {name: value for name, value in decode_object(raw).items() if name not in _NOT_SAID}
    content["type"] = said.type.value
    text = msgspec.json.encode(content, order="sorted")
    digest = blake2b(source.name.encode() + b"\x1f" + text, digest_size=16).hexdigest()
    return f"derived-{digest}"


def _external_ids(
    body: Body, context: Mapping[str, Any], keys: Mapping[str, str], record: RecordRef
) -> list[ExternalIdMessage]:
    """Declared ones, those of `context` as the tracking SDKs send them, and keys left over."""
    found = {(each.type, str(each.id).strip()) for each in body.external_ids or ()}
    found.update(_ids_of_context(context))
    found.update(
        (kind, key) for kind, key in keys.items() if kind in _CHANNEL_KEYS and kind != record.kind
    )
    return [
        ExternalIdMessage(type=kind, id=check_id(kind, value))
        for kind, value in sorted(found)
        if value
    ]


def _ids_of_context(context: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """`externalIds` (Segment) or `externalId` (RudderStack); what does not fit stays in context."""
    for name in ("externalIds", "externalId"):
        entries = context.get(name)
        for each in entries if isinstance(entries, list) else ():
            if isinstance(each, dict):
                kind, value = each.get("type"), each.get("id")
                if isinstance(kind, str) and type(value) in (str, int):
                    yield kind, str(value).strip()
