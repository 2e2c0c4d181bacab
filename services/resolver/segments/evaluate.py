"""Membership of the profiles of a batch: entered, left, unchanged. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from services.identity.domain.ids import Micros, ProfileId, SegmentId
from services.identity.domain.profile import Profile
from services.identity.domain.shared import Shared
from services.identity.store import Interval
from services.segments.evaluate import Evaluator

_NOBODY: Mapping[ProfileId, Shared] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """Stays that begin and stays that end, in the order of profile and segment."""

    entered: Sequence[Interval]
    left: Sequence[Interval]


def evaluate(
    evaluator: Evaluator,
    profiles: Sequence[Profile],
    gone: Sequence[ProfileId],
    before: Mapping[ProfileId, frozenset[SegmentId]],
    *,
    at: Micros,
    shared: Mapping[ProfileId, Shared] = _NOBODY,
) -> Moves:
    """What changed against `before`, the segments each profile was last told to be in."""
    found = evaluator.evaluate(profiles, shared)
    after = dict(zip((profile.id for profile in profiles), found, strict=True))
    after |= dict.fromkeys(gone, frozenset())
    entered: list[Interval] = []
    left: list[Interval] = []
    for profile in sorted(after):
        was, is_now = before.get(profile, frozenset()), after[profile]
        reason = "profile_gone" if profile in gone else "condition"
        entered.extend(Interval(profile, s, at, "condition") for s in sorted(is_now - was))
        left.extend(Interval(profile, s, at, reason) for s in sorted(was - is_now))
    return Moves(entered=entered, left=left)
