"""A message of channel-events, read with its source's mapping: what it says about which record."""

from collections.abc import Iterator
from hashlib import blake2b

import msgspec

from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.domain.events import Event, EventType, ExternalId, Scalar
from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.ids import MessageId, Micros, RecordKey, SourceName
from services.identity.domain.kinds import Kind
from services.identity.domain.mapping import Mapping
from services.identity.domain.source import Source
from services.identity.domain.traits import fields_of
from services.identity.wire.events import TYPE_PREFIX, TYPE_SUFFIX, ChannelEvent

_TYPES = {f"{TYPE_PREFIX}{each}{TYPE_SUFFIX}": each for each in EventType}
_encoder = msgspec.json.Encoder(order="deterministic")  # as orjson, but for integers of any size
_IDENTIFYING = {Kind.EMAIL: "email", Kind.PHONE: "phone"}


def interpret(message: ChannelEvent, *, source: Source, rules: IdentityRules) -> Event:
    """The event in the domain's words.

    Raises RejectedError when its type is unknown, when its time has no zone, or when its key holds
    a character that no database stores. Unmapped columns stay in the stored message.
    """
    kind = _TYPES.get(message.type)
    if kind is None:
        raise RejectedError(
            RejectReason.UNKNOWN_TYPE, f"type must be one of {sorted(_TYPES)}; see schemas/events"
        )
    data = message.data
    if "\x00" in data.record.kind + data.record.key:
        raise RejectedError(RejectReason.ILLEGAL_IDENTIFIER, "a record's key must not hold NUL")
    if message.time.tzinfo is None:
        raise RejectedError(RejectReason.BAD_TIME, "`time` must say its offset from UTC")
    fields = _fields(message, kind, source.mapping)
    return Event(
        source=SourceName(message.source),
        message_id=MessageId(message.id),
        type=kind,
        record=RecordKey(message.source, data.record.kind, data.record.key),
        occurred_at=Micros(round(message.time.timestamp() * 1_000_000)),
        dated=data.dated,
        content_hash=content_hash(message),
        name=data.event,
        identifiers=tuple(sorted(set(_identifiers(message, fields, source, rules)))),
        fields=fields,
        properties=data.properties,
    )


def content_hash(message: ChannelEvent) -> bytes:
    """Over what the sender said, not when it was sent or heard: equal for honest retries.

    In it is everything that `interpret` reads: of two copies with equal hashes and times, either
    may be the one that counts.
    """
    data = message.data
    said = (
        message.type,
        data.record.kind,
        data.record.key,
        data.event,
        data.user_id,
        data.anonymous_id,
        data.previous_id,
        data.group_id,
        sorted((each.type, each.id) for each in data.external_ids),
        data.traits,
        data.properties,
        data.context.get("traits"),
        data.dated,
    )
    return blake2b(_encoder.encode(said), digest_size=16).digest()


def _fields(message: ChannelEvent, kind: EventType, mapping: Mapping | None) -> dict[str, Scalar]:
    if kind is EventType.GROUP:
        return {}  # the traits of a group call describe the group
    traits = message.data.traits
    if mapping is None:
        inherited = message.data.context.get("traits")
        return fields_of({**inherited, **traits} if isinstance(inherited, dict) else traits)
    return {
        column.field: traits[name]
        for name, column in mapping.columns.items()
        if name in traits and column.kind is not Kind.IGNORE
    }


def _identifiers(
    message: ChannelEvent, fields: dict[str, Scalar], source: Source, rules: IdentityRules
) -> Iterator[ExternalId]:
    data = message.data
    said: list[tuple[str, object]] = [
        (data.record.kind, data.record.key),
        ("user_id", data.user_id),
        ("anonymous_id", data.anonymous_id),
        ("anonymous_id", data.previous_id),
        *((each.type, each.id) for each in data.external_ids),
    ]
    if source.mapping is None:
        said.extend((name, fields.get(name)) for name in _IDENTIFYING.values())
    else:
        for column in source.mapping.columns.values():
            name = column.identifier_type or _IDENTIFYING.get(column.kind)
            if name is not None:
                said.append((name, fields.get(column.field)))
    for name, raw in said:
        if raw is not None:
            identifier = rules.external_id(name, str(raw), source)
            if identifier is not None:
                yield identifier
