"""How clusters grow, merge and split. Deciding lives here; doing lives in the resolver.

A profile's id is that of its anchor record, so ids follow records: an absorbed id still resolves
to its record and from there to today's profile, and a split gives people their own ids back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.identity.domain.ids import Micros, ProfileId, RecordKey, profile_id_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    profile: ProfileId


@dataclass(frozen=True, slots=True, kw_only=True)
class Attach:
    """New records joined a profile that was already told."""

    profile: ProfileId
    records: Sequence[RecordKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    survivor: ProfileId
    absorbed: Sequence[ProfileId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    origin: ProfileId
    into: Sequence[ProfileId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reanchored:
    """The same person under an earlier anchor: an older event came late."""

    old: ProfileId
    new: ProfileId


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """No record of this profile is left."""

    profile: ProfileId


Change = Create | Attach | Merge | Split | Reanchored | Delete


def anchor(records: Iterable[tuple[RecordKey, Micros | None]]) -> RecordKey:
    """The record a profile is named after: earliest dated first, undated last, then by key."""
    return min(records, key=lambda each: (each[1] is None, each[1] or 0, each[0]))[0]


def anchored_id(records: Iterable[tuple[RecordKey, Micros | None]]) -> ProfileId:
    return profile_id_of(anchor(records))


def plan(
    before: Mapping[RecordKey, ProfileId | None], after: Mapping[RecordKey, ProfileId | None]
) -> list[Change]:
    """What happened to the profiles of some records, in a fixed order.

    Both map the same records to their profile; None before: never told; None after: no one's.
    """
    went: dict[ProfileId, set[ProfileId]] = {}
    came: dict[ProfileId, set[ProfileId]] = {}
    fresh: dict[ProfileId, list[RecordKey]] = {}
    for record in sorted(before):
        old, new = before[record], after[record]
        if new is not None:
            sources = came.setdefault(new, set())
            if old is None:
                fresh.setdefault(new, []).append(record)
            else:
                sources.add(old)
        if old is not None:
            targets = went.setdefault(old, set())
            if new is not None:
                targets.add(new)
    changes: list[Change] = []
    for new in sorted(came):
        changes.extend(_arrivals(new, came[new], went, fresh.get(new, [])))
    for old in sorted(went):
        if len(went[old]) > 1:
            changes.append(Split(origin=old, into=tuple(sorted(went[old]))))
        elif not went[old]:
            changes.append(Delete(profile=old))
    return changes


def _arrivals(
    new: ProfileId,
    sources: set[ProfileId],
    went: Mapping[ProfileId, set[ProfileId]],
    fresh: Sequence[RecordKey],
) -> Iterable[Change]:
    """What the profile `new` is made of: nothing told before, one old profile, or several."""
    if not sources:
        yield Create(profile=new)
        return
    absorbed = tuple(sorted(old for old in sources - {new} if went[old] == {new}))
    if len(sources) == 1 and absorbed:
        yield Reanchored(old=absorbed[0], new=new)
    elif absorbed:
        yield Merge(survivor=new, absorbed=absorbed)
    if fresh:
        yield Attach(profile=new, records=tuple(fresh))
