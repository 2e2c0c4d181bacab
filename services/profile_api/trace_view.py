"""One event's way as the API answers it, from what was read of it. Pure.

Values and record keys are told only to whoever may read profiles, and asks for them; who may trace
learns names, counts, instants and outcomes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from services.identity.domain.events import Scalar
from services.identity.domain.identifiers import (
    VALUE_CHARS_MAX,
    IdentityRules,
    identifier_key,
)
from services.identity.domain.ids import RecordKey
from services.identity.domain.profile import Profile
from services.identity.domain.source import Source
from services.identity.domain.stamps import Stamped
from services.identity.domain.tracing import LogPlace, Surroundings, TracedEvent, TracedNeighbour
from services.identity.domain.weights import to_bits
from services.identity.wire.events import TYPE_PREFIX, TYPE_SUFFIX, ChannelEvent, decode
from services.identity.wire.letter_book import Letter
from services.identity.wire.profiles import decode as decode_profile
from services.identity.wire.said import fields_said, identifiers_said
from services.profile_api.times import instant

MASKED = "***"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceReading:
    """All that was read for one trace. `source` is None where it is declared no more."""

    event: TracedEvent
    around: Surroundings
    rules: IdentityRules
    source: Source | None


def trace_answer(reading: TraceReading, *, show_values: bool) -> dict[str, object]:
    """What came in, what it came to, and what stands around it now."""
    event = reading.event
    message = decode(event.body)
    mask = _Mask(show_values=show_values)
    return {
        "source": message.source,
        "event_id": str(event.event_id),
        "type": message.type.removeprefix(TYPE_PREFIX).removesuffix(TYPE_SUFFIX),
        "event": message.data.event,
        "log": _log(event.place),
        "times": _times(message),
        "dedupe": {"copies": event.copies, "counts_from": instant(event.occurred_at)},
        "record": mask.record(event.record)
        | {"version": event.version, "events": event.state.events},
        "fields": _fields(reading, message, mask),
        "identifiers": _identifiers(reading, message, mask),
        "keys": _keys(reading),
        "candidates": [_neighbour(n, mask) | {"keys": n.keys} for n in reading.around.candidates],
        "edges": [
            _neighbour(n, mask) | {"match_weight_bits": round(to_bits(n.weight), 3)}
            for n in reading.around.edges
        ],
        "resolved": None if reading.around.waits is None else not reading.around.waits,
        "profile": _profile(reading),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mask:
    show_values: bool

    def value(self, value: Scalar) -> Scalar:
        """That there is none is told in any case."""
        return value if self.show_values or value is None else MASKED

    def record(self, key: RecordKey) -> dict[str, object]:
        return {"source": key.source, "kind": key.kind, "key": self.value(key.key)}


def _log(place: LogPlace | None) -> dict[str, object] | None:
    if place is None:
        return None
    return {"topic": place.topic, "partition": place.partition, "offset": place.offset}


def _times(message: ChannelEvent) -> dict[str, object]:
    """`skew_ms`: how far the sender's clock was behind ours when it sent, with the way between."""
    data = message.data
    sent, original = data.sent_at, data.original_timestamp
    skew = None if sent is None else (data.received_at - sent).total_seconds()
    return {
        "received_at": data.received_at,
        "sent_at": sent,
        "original_timestamp": original,
        "occurred_at": message.time,
        "dated": data.dated,
        "skew_ms": None if skew is None else round(skew * 1_000),
    }


def _fields(reading: TraceReading, message: ChannelEvent, mask: _Mask) -> list[dict[str, object]]:
    """Of each field said: whether it holds in its record, and in the profile."""
    if reading.source is None:
        return []
    said = fields_said(message, reading.source.mapping)
    document = None if reading.event.profile is None else reading.event.profile.document
    profile = None if document is None else decode_profile(document)
    return [
        {
            "name": name,
            "value": mask.value(said[name]),
            **_in_record(message, reading.event.state.fields.get(name)),
            "in_profile": _in_profile(reading, name, profile),
        }
        for name in sorted(said)
    ]


def _in_record(message: ChannelEvent, stamped: Stamped | None) -> dict[str, object]:
    """The value with the latest (occurred_at, message id) holds."""
    if stamped is None:
        return {"outcome": "unknown", "held_by": None, "held_at": None}
    outcome = "won" if stamped.by == message.id else "lost"
    return {"outcome": outcome, "held_by": stamped.by, "held_at": instant(stamped.at)}


def _in_profile(
    reading: TraceReading, name: str, profile: Profile | None
) -> dict[str, object] | None:
    """Which source's value the profile shows; None where it shows none."""
    shown = None if profile is None else profile.fields.get(name)
    stamped = reading.event.state.fields.get(name)
    if shown is None:
        return None
    own = stamped is not None and (shown.source, shown.value, shown.at) == (
        reading.event.record.source,
        stamped.value,
        stamped.at if stamped.dated else None,
    )
    return {
        "shown": own,
        "source": shown.source,
        "at": instant(shown.at),
        "rule": shown.rule,
    }


def _identifiers(
    reading: TraceReading, message: ChannelEvent, mask: _Mask
) -> list[dict[str, object]]:
    """Each identifier said, and whether it can tie records together."""
    source = reading.source
    if source is None:
        return []
    fields = fields_said(message, source.mapping)
    said = sorted(set(identifiers_said(message, fields, source.mapping)))
    return [
        {"type": name, "value": mask.value(raw), **_taken(name, raw, source, reading.rules)}
        for name, raw in said
    ]


def _taken(name: str, raw: str, source: Source, rules: IdentityRules) -> dict[str, object]:
    taken = rules.external_id(name, raw, source) is not None
    return {
        "outcome": "taken" if taken else "refused",
        "reason": None if taken else _why_refused(name, raw, rules),
        "decisive": rules.is_decisive(name),
    }


def _why_refused(name: str, raw: str, rules: IdentityRules) -> str:
    if name not in rules.types:
        return "type_not_declared"
    if not raw.strip():
        return "empty"
    if len(raw.strip()) > VALUE_CHARS_MAX:
        return "too_long"
    if rules.is_blocked(name, raw.strip()):
        return "blocked_value"
    return "unreadable"


def _keys(reading: TraceReading) -> dict[str, object]:
    """Under how many keys the record is found, and which of them are held by too many."""
    names = {
        identifier_key(each.type, each.scope, each.value): each.type
        for each in reading.event.state.external_ids()
    }
    identifying = sum(key in names for key in reading.event.keys)
    return {
        "count": len(reading.event.keys),
        "identifiers": identifying,
        "blocking": len(reading.event.keys) - identifying,
        "generic": [
            {
                "kind": names.get(each.key, "blocking"),
                "told": each.told,
                "holders_max": reading.rules.holders_max(each.key),
            }
            for each in reading.around.keys
            if each.told or each.holders > reading.rules.holders_max(each.key)
        ],
    }


def _neighbour(found: TracedNeighbour, mask: _Mask) -> dict[str, object]:
    return {"record": mask.record(found.record), "profile_id": found.profile}


def _profile(reading: TraceReading) -> dict[str, object] | None:
    """The profile today, its segments, and how many changes were ever told about it."""
    told = reading.event.profile
    if told is None:
        return None
    return {
        "profile_id": told.id,
        "changed_at": instant(told.changed_at),
        "changes_told": told.sequence,
        "changes_unsent": reading.around.unsent,
        "segments": [
            {"id": stay.segment, "entered_at": instant(stay.entered_at)}
            for stay in reading.around.stays
        ],
    }


def is_readable(body: bytes) -> bool:
    """Whether a stored message has a shape that is still read."""
    try:
        decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return True


def only_of(letters: Iterable[Letter], source: str | None) -> Sequence[Letter]:
    return [each for each in letters if source in (None, each.source)]
