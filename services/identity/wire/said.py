"""What a message of channel-events says by its source's mapping: fields, and identifiers as sent.

Landing keeps these; the trace of an event tells what became of each.
"""

from services.identity.domain.events import EventType, Scalar
from services.identity.domain.mapping import IDENTIFYING, Mapping
from services.identity.domain.traits import fields_of
from services.identity.wire.events import TYPE_PREFIX, TYPE_SUFFIX, ChannelEvent

TYPES = {f"{TYPE_PREFIX}{each}{TYPE_SUFFIX}": each for each in EventType}
_TYPED_FIELDS = tuple((name, name) for name in IDENTIFYING.values())


def fields_said(message: ChannelEvent, mapping: Mapping | None) -> dict[str, Scalar]:
    """Field -> value, null where it was said to be cleared. Unmapped columns are left out."""
    if TYPES.get(message.type) is EventType.GROUP:
        return {}  # the traits of a group call describe the group
    traits = message.data.traits
    if mapping is None:
        inherited = message.data.context.get("traits")
        return fields_of({**inherited, **traits} if isinstance(inherited, dict) else traits)
    return {field: traits[name] for name, field in mapping.fields if name in traits}


def identifiers_said(
    message: ChannelEvent, fields: dict[str, Scalar], mapping: Mapping | None
) -> list[tuple[str, str]]:
    """Type and value of each, not yet normalised: keys of the event, declared ids, fields."""
    data = message.data
    said: list[tuple[str, object]] = [
        (data.record.kind, data.record.key),
        ("user_id", data.user_id),
        ("anonymous_id", data.anonymous_id),
        ("anonymous_id", data.previous_id),
        *((each.type, each.id) for each in data.external_ids),
    ]
    for name, field in _TYPED_FIELDS if mapping is None else mapping.identifying:
        said.append((name, fields.get(field)))
    return [(name, str(raw)) for name, raw in said if raw is not None]
