"""A message of channel-events, read with its source's mapping: what it says about which record."""

from hashlib import blake2b

import msgspec

from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.domain.events import Event
from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.ids import MessageId, Micros, RecordKey, SourceName
from services.identity.domain.source import Source
from services.identity.wire.events import ChannelEvent
from services.identity.wire.said import TYPES, fields_said, identifiers_said
from services.resolver.mention import columns_in, mentions_in

_encoder = msgspec.json.Encoder(order="deterministic")  # as orjson, but for integers of any size


def interpret(message: ChannelEvent, *, source: Source, rules: IdentityRules) -> Event:
    """The event in the domain's words.

    Raises RejectedError when its type is unknown, when its time has no zone, or when its key holds
    a character that no database stores. Unmapped columns stay in the stored message.
    """
    kind = TYPES.get(message.type)
    if kind is None:
        raise RejectedError(
            RejectReason.UNKNOWN_TYPE, f"type must be one of {sorted(TYPES)}; see schemas/events"
        )
    data = message.data
    if "\x00" in data.record.kind + data.record.key:
        raise RejectedError(RejectReason.ILLEGAL_IDENTIFIER, "a record's key must not hold NUL")
    if message.time.tzinfo is None:
        raise RejectedError(RejectReason.BAD_TIME, "`time` must say its offset from UTC")
    fields = fields_said(message, source.mapping)
    said = identifiers_said(message, fields, source.mapping)
    found = {rules.external_id(name, raw, source) for name, raw in said}
    identifiers = tuple(sorted(each for each in found if each is not None))
    return Event(
        source=SourceName(message.source),
        message_id=MessageId(message.id),
        type=kind,
        record=RecordKey(message.source, data.record.kind, data.record.key),
        occurred_at=Micros(round(message.time.timestamp() * 1_000_000)),
        dated=data.dated,
        content_hash=content_hash(message),
        name=data.event,
        identifiers=identifiers,
        fields=fields,
        properties=data.properties,
        mentions=mentions_in(message, kind, identifiers, source=source, rules=rules),
        account_columns=columns_in(message, source=source, rules=rules),
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
