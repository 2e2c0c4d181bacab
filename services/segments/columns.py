"""Profiles as columns: each leaf of a predicate read from every profile of a batch.

A field's value is seen as the type that the predicate uses it as: the text '12' is the number 12,
the number 12 is the text '12'; what cannot be seen so is null, which SQL calls unknown.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from services.identity.domain.decision import standing_consent
from services.identity.domain.events import Scalar
from services.identity.domain.ids import ProfileId
from services.identity.domain.profile import Profile
from services.identity.domain.shared import NOTHING_SHARED, Shared
from services.segments.catalogue import SHARED
from services.segments.literals import parse_time
from services.segments.tree import Leaf, LeafKind, ValueType

Value = str | float | int | bool | None
Channels = Mapping[str, str]
"""Source -> its channel. A source that is not named is a channel of its own name."""

_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?\s*", re.ASCII)
_TRUTHS = MappingProxyType({"true": True, "false": False})
_MICROS_MAX = 2**63 - 1


def asks_of_others(leaf: Leaf) -> bool:
    """Whether its value depends on what a person shares with others."""
    return leaf.kind is LeafKind.BUILT_IN and leaf.arguments[0] in SHARED


def read_columns(
    leaves: Sequence[Leaf],
    profiles: Sequence[Profile],
    channels: Channels,
    shared: Mapping[ProfileId, Shared],
) -> Iterator[list[Value]]:
    """For each leaf its value in each profile, in order. A field is looked up only once."""
    found: dict[str, list[Scalar]] = {}
    for leaf in leaves:
        if leaf.kind is LeafKind.FIELD:
            (name,) = leaf.arguments
            if name not in found:
                found[name] = _values(name, profiles)
            yield _seen_as(leaf.type, found[name])
        elif asks_of_others(leaf):
            (name,) = leaf.arguments
            yield [getattr(shared.get(each.id, NOTHING_SHARED), name) for each in profiles]
        else:
            read = _READERS[leaf.kind](leaf, channels)
            yield [read(profile) for profile in profiles]


def as_text(value: Scalar) -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def as_number(value: Scalar) -> float | None:
    if isinstance(value, str):
        if _NUMBER.fullmatch(value) is None:
            return None
    elif value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def as_boolean(value: Scalar) -> bool | None:
    if isinstance(value, str):
        return _TRUTHS.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def as_time(value: Scalar) -> int | None:
    """Text is read as ISO 8601, a whole number as microseconds since 1970."""
    if isinstance(value, str):
        return parse_time(value.strip())
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) <= _MICROS_MAX else None
    return None


_FITTING: Mapping[ValueType, type | None] = MappingProxyType(
    {ValueType.TEXT: str, ValueType.NUMBER: None, ValueType.BOOLEAN: bool, ValueType.TIME: None}
)
"""The Python type that a view leaves as it is, whatever the value."""
_Reader = Callable[[Profile], Value]
_VIEWS: Mapping[ValueType, Callable[[Scalar], Value]] = MappingProxyType(
    {
        ValueType.TEXT: as_text,
        ValueType.NUMBER: as_number,
        ValueType.BOOLEAN: as_boolean,
        ValueType.TIME: as_time,
    }
)


def _values(name: str, profiles: Sequence[Profile]) -> list[Scalar]:
    found = [profile.fields.get(name) for profile in profiles]
    return [None if each is None else each.value for each in found]


def _seen_as(kind: ValueType, values: list[Scalar]) -> list[Value]:
    """Fields are most of the columns of a batch: values that already fit skip the view."""
    view, fitting = _VIEWS[kind], _FITTING[kind]
    return [each if each is None or type(each) is fitting else view(each) for each in values]


def _built_in(leaf: Leaf, channels: Channels) -> _Reader:
    (name,) = leaf.arguments
    match name:
        case "record_count":
            return lambda profile: float(len(profile.records))
        case "source_count":
            return lambda profile: float(len(_sources(profile)))
        case "channel_count":
            return lambda profile: float(len(_channels(profile, channels)))
        case _:
            # Each other built-in is an attribute of the profile of the same name.
            return lambda profile: getattr(profile, name)


def _event(leaf: Leaf, _: Channels) -> _Reader:
    (name,) = leaf.arguments

    def read(profile: Profile) -> Value:
        seen = profile.events.get(name)
        match leaf.kind:
            case LeafKind.COUNT:
                return 0.0 if seen is None else float(seen.count)
            case LeafKind.HAS:
                return seen is not None and seen.count > 0
            case LeafKind.FIRST:
                return None if seen is None else seen.first
            case _:
                return None if seen is None else seen.last

    return read


def _holding(leaf: Leaf, _: Channels) -> _Reader:
    asked = leaf.arguments[0].strip().casefold()
    is_past_too = leaf.kind is LeafKind.HELD

    def is_asked(name: str | None) -> bool:
        return name is not None and name.strip().casefold() == asked

    def read(profile: Profile) -> Value:
        return any(
            (is_past_too or holding.active)
            and (is_asked(holding.product) or is_asked(holding.line_of_business))
            for holding in profile.holdings
        )

    return read


def _consents(leaf: Leaf, _: Channels) -> _Reader:
    purpose, channel = leaf.arguments

    def read(profile: Profile) -> Value:
        statement = standing_consent(profile.consents, purpose=purpose, channel=channel)
        return statement is not None and statement.granted

    return read


def _in_list(leaf: Leaf, channels: Channels) -> _Reader:
    listed, name = leaf.arguments
    if listed == "sources":
        return lambda profile: name in _sources(profile)
    return lambda profile: name in _channels(profile, channels)


def _sources(profile: Profile) -> set[str]:
    return {record.source for record in profile.records}


def _channels(profile: Profile, channels: Channels) -> set[str]:
    return {channels.get(source, source) for source in _sources(profile)}


_READERS: Mapping[LeafKind, Callable[[Leaf, Channels], _Reader]] = MappingProxyType(
    {
        LeafKind.BUILT_IN: _built_in,
        LeafKind.COUNT: _event,
        LeafKind.HAS: _event,
        LeafKind.FIRST: _event,
        LeafKind.LAST: _event,
        LeafKind.HOLDS: _holding,
        LeafKind.HELD: _holding,
        LeafKind.CONSENTS: _consents,
        LeafKind.IN_LIST: _in_list,
    }
)


def unique(leaves: Iterable[Leaf]) -> tuple[Leaf, ...]:
    """Each leaf once, in the order of first use: equal leaves share one column."""
    return tuple(dict.fromkeys(leaves))
