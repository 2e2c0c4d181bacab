"""Events of a timeline as the API answers them, and the cursor that continues one."""

import base64
import binascii
from uuid import UUID

import msgspec

from services.identity.domain.ids import Micros
from services.identity.domain.reading import TimelinePlace, TimelineRow
from services.identity.wire.events import TYPE_PREFIX, TYPE_SUFFIX, ChannelEvent, decode
from services.profile_api.profile_view import record
from services.profile_api.times import instant

_TIME_BYTES, _ID_BYTES = 8, 16


def write_cursor(place: TimelinePlace) -> str:
    """Opaque to callers: it names the last event they saw, so that new ones do not shift it."""
    raw = place.occurred_at.to_bytes(_TIME_BYTES, "big", signed=True) + place.event_id.bytes
    return base64.urlsafe_b64encode(raw).decode()


def read_cursor(cursor: str) -> TimelinePlace | None:
    """None for what `write_cursor` never wrote."""
    try:
        raw = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _TIME_BYTES + _ID_BYTES:
        return None
    at = int.from_bytes(raw[:_TIME_BYTES], "big", signed=True)
    return TimelinePlace(Micros(at), UUID(bytes=raw[_TIME_BYTES:]))


def event_answer(row: TimelineRow) -> dict[str, object]:
    """What the sender said; a body of a shape that is no longer read says only where it stands."""
    answer: dict[str, object] = {
        "event_id": str(row.place.event_id),
        "occurred_at": instant(row.place.occurred_at),
        "source": row.record.source,
        "record": record(row.record),
    }
    try:
        return answer | _said(decode(row.body))
    except msgspec.MsgspecError:
        return answer | {"type": None, "event": None, "readable": False}


def _said(message: ChannelEvent) -> dict[str, object]:
    return {
        "message_id": message.id,
        "type": message.type.removeprefix(TYPE_PREFIX).removesuffix(TYPE_SUFFIX),
        "event": message.data.event,
        "received_at": message.data.received_at,
        "dated": message.data.dated,
        "traits": message.data.traits,
        "properties": message.data.properties,
        "readable": True,
    }
