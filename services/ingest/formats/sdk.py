"""The tracking calls as the common SDKs post them: singly, or as a batch of any types."""

import msgspec

from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.domain.events import EventType
from services.identity.wire.events import ChannelEvent
from services.ingest.accept import Arrival, Said, accept
from services.ingest.formats import contracts
from services.ingest.formats.decode import decode_as
from services.ingest.formats.limits import Limits, check_shape, check_size
from services.ingest.formats.messages import (
    TRACKING,
    Alias,
    Batch,
    Body,
    Group,
    Identify,
    Page,
    Track,
)

Raw = bytes | msgspec.Raw

_DECODERS: dict[EventType, msgspec.json.Decoder[Body]] = {
    each: msgspec.json.Decoder(struct) for each, struct in TRACKING.items()
}


class _Typed(msgspec.Struct, frozen=True):
    type: object = None


_BATCH = msgspec.json.Decoder(Batch)
_TYPED = msgspec.json.Decoder(_Typed)


def decode_batch(raw: bytes, limits: Limits) -> Batch:
    """Raises RejectedError when the request as a whole cannot be read."""
    batch = decode_as(_BATCH, raw, contract=contracts.BATCH)
    if len(batch.batch) > limits.events_per_batch_max:
        raise RejectedError(
            RejectReason.TOO_MANY_EVENTS,
            f"a batch may hold {limits.events_per_batch_max} events; send smaller ones",
        )
    return batch


def accept_call(
    raw: Raw, kind: EventType | None, *, arrival: Arrival, limits: Limits
) -> ChannelEvent:
    """One tracking call; `kind` comes from the path, else from its own `type`.

    Raises RejectedError.
    """
    check_size(raw, limits)
    kind = kind or _kind_of(raw)
    body = decode_as(_DECODERS[kind], raw, contract=kind.value)
    check_shape(bytes(raw), (body.traits, body.context, getattr(body, "properties", None)))
    return accept(_said(kind, body), raw, arrival)


def _kind_of(raw: Raw) -> EventType:
    named = decode_as(_TYPED, raw, contract="track").type
    if named is None:
        raise RejectedError(RejectReason.MISSING_FIELD, f"type is missing; {_KNOWN}")
    try:
        return EventType(str(named))
    except ValueError:
        raise RejectedError(RejectReason.UNKNOWN_TYPE, _KNOWN) from None


_KNOWN = f"type must be one of {', '.join(EventType)}"


def _said(kind: EventType, body: Body) -> Said:
    match body:
        case Identify():
            return Said(type=kind, body=body)
        case Track():
            return Said(type=kind, body=body, name=body.event, properties=body.properties)
        case Page():  # and Screen
            named = {"name": body.name, "category": body.category}
            given = {name: value for name, value in named.items() if value is not None}
            properties = {**given, **(body.properties or {})}
            return Said(type=kind, body=body, name=body.name, properties=properties)
        case Group():
            return Said(type=kind, body=body, group_id=body.group_id)
        case Alias():
            return Said(type=kind, body=body, previous_id=body.previous_id)
        case _:
            raise AssertionError(kind)
