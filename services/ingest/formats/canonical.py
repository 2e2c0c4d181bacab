"""Canonical channel events: what call centres and billing systems post."""

import msgspec

from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.domain.events import Canonical, EventType
from services.identity.wire.events import ChannelEvent
from services.ingest.accept import Arrival, Said, accept
from services.ingest.formats import contracts
from services.ingest.formats.decode import decode_any, decode_as, decode_object
from services.ingest.formats.limits import Limits, check_shape, check_size
from services.ingest.formats.messages import PROPERTIES, ChannelBody, Events

Raw = bytes | msgspec.Raw

_DECODER = msgspec.json.Decoder(ChannelBody)
_KNOWN = f"event must be one of {', '.join(contracts.CANONICAL_NAMES)}, or absent beside traits"


_EVENTS = msgspec.json.Decoder(Events)


def decode_events(raw: bytes, limits: Limits) -> Events | None:
    """None when the request is one event by itself. Raises RejectedError."""
    if "events" not in decode_object(raw):
        return None
    events = decode_as(_EVENTS, raw, contract=contracts.EVENTS)
    if len(events.events) > limits.events_per_batch_max:
        raise RejectedError(
            RejectReason.TOO_MANY_EVENTS,
            f"a request may hold {limits.events_per_batch_max} events; send smaller ones",
        )
    return events


def accept_channel_event(raw: Raw, *, arrival: Arrival, limits: Limits) -> ChannelEvent:
    """One canonical event, or without a name what is known of a person. Raises RejectedError."""
    check_size(raw, limits)
    named = decode_object(raw).get("event")
    if named is None:
        body = decode_as(_DECODER, raw, contract=contracts.IDENTIFY)
        if body.traits is None:
            raise contracts.refusal(contracts.IDENTIFY, decode_any(raw), _KNOWN)
        kind = EventType.IDENTIFY
    else:
        body = _canonical(raw, named)
        kind = EventType.TRACK
    check_shape(bytes(raw), (body.traits, body.context, body.properties))
    said = Said(
        type=kind,
        body=body,
        name=body.event,
        properties=body.properties,
        keys=(("account_number", body.account_number), ("contact_id", body.contact_id)),
    )
    return accept(said, raw, arrival)


def _canonical(raw: Raw, named: object) -> ChannelBody:
    """Its properties are held to the contract of its name, and kept as they were sent."""
    try:
        canonical = Canonical(str(named))
    except ValueError:
        raise RejectedError(RejectReason.UNKNOWN_TYPE, _KNOWN) from None
    contract = contracts.file_name(canonical)
    body = decode_as(_DECODER, raw, contract=contract)
    try:
        msgspec.convert(body.properties or {}, PROPERTIES[canonical])
    except msgspec.ValidationError as error:
        raise contracts.refusal(contract, decode_any(raw), str(error)) from None
    return body
