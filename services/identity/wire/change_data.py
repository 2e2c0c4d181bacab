"""What the `data` of each change says; the schemas of both topics of changes come from here."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from services.identity.wire.changes import PROFILE_CHANGES, SEGMENT_CHANGES


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The type says it all."""


class RecordName(msgspec.Struct, frozen=True, kw_only=True):
    """A record by its source and its key there."""

    source: str
    kind: str
    key: str


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """Records that joined the profile."""

    records: list[RecordName]


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """Profiles whose ids now answer with this one."""

    absorbed: list[str]


class SplitInto(msgspec.Struct, frozen=True, kw_only=True):
    """Profiles that left this one, each with its own id; why, where a value ties nobody now."""

    into: list[str]
    because: Literal["generic_value"] | None = None


class NewAnchor(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier event came to light: the profile has another id now, the old one resolves."""

    old: str
    new: str


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """A segment that was entered or left, and why."""

    segment: str
    reason: str


DATA_OF: Mapping[str, Mapping[str, type[msgspec.Struct]]] = {
    PROFILE_CHANGES: {
        "profile.created": Nothing,
        "profile.attached": Attached,
        "profile.updated": Nothing,
        "profile.merged": Merged,
        "profile.split": SplitInto,
        "profile.reanchored": NewAnchor,
        "profile.deleted": Nothing,
    },
    SEGMENT_CHANGES: {"segment.entered": Stay, "segment.left": Stay},
}
