"""Messages of profile-changes and segment-changes: what was decided, in order, per profile.

`sequence` counts the messages of one profile over both topics; consumers drop repeats by it.
"""

from collections.abc import Collection
from typing import Any, assert_never

import msgspec

from services.identity.domain.cluster import (
    Attach,
    Change,
    Create,
    Delete,
    Merge,
    Reanchored,
    Split,
)
from services.identity.domain.ids import Micros, ProfileId
from services.identity.ports import OutgoingMessage

PROFILE_CHANGES = "profile-changes"
SEGMENT_CHANGES = "segment-changes"
GENERIC_VALUE = "generic_value"  # why a profile was split: what held it together ties nobody now


class ChangeMessage(msgspec.Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """One change. `at` is when it was decided; `data` depends on `type`."""

    type: str
    profile_id: str
    sequence: int
    at: int
    data: dict[str, Any] = {}


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(ChangeMessage)


def decode(raw: bytes) -> ChangeMessage:
    return _decoder.decode(raw)


def outgoing(
    topic: str,
    kind: str,
    *,
    profile: ProfileId,
    sequence: int,
    at: Micros,
    data: dict[str, Any],
) -> OutgoingMessage:
    message = ChangeMessage(type=kind, profile_id=profile, sequence=sequence, at=at, data=data)
    return OutgoingMessage(topic=topic, key=profile.encode(), value=_encoder.encode(message))


def describe(
    change: Change, *, loosened: Collection[ProfileId] = ()
) -> tuple[ProfileId, str, dict[str, Any]]:
    """The profile a change is told to, its type on the wire, and its data."""
    match change:
        case Create(profile=profile):
            return profile, "profile.created", {}
        case Attach(profile=profile, records=records):
            added = [{"source": r.source, "kind": r.kind, "key": r.key} for r in records]
            return profile, "profile.attached", {"records": added}
        case Merge(survivor=survivor, absorbed=absorbed):
            return survivor, "profile.merged", {"absorbed": list(absorbed)}
        case Split(origin=origin, into=into):
            because = {"because": GENERIC_VALUE} if origin in loosened else {}
            return origin, "profile.split", {"into": list(into), **because}
        case Reanchored(old=old, new=new):
            return new, "profile.reanchored", {"old": old, "new": new}
        case Delete(profile=profile):
            return profile, "profile.deleted", {}
        case _:
            assert_never(change)
