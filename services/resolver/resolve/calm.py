"""Components in which nothing moved that matching sees: everybody is who they were told to be.

Most of a stream is visits. They change what is told of a person, never who she is: so her records
are those that were told as one profile, and she is as sure as she was. Nothing of the component
but her own records is read.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.identity.domain.ids import ProfileId
from services.identity.store import Member, StoredProfile, Transaction
from services.identity.wire.profiles import certainty
from services.resolver.resolve.cluster import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Calm:
    """The people touched: where each of their records stands, and how they were last told."""

    members: Mapping[int, Member]
    stored: Mapping[ProfileId, StoredProfile]

    def outcomes(self) -> Iterator[Outcome]:
        """Each of them as last told, of the records that were told."""
        for profile, records in _people(self.members.values()).items():
            confidence, ambiguous = certainty(self.stored[profile].document or b"")
            yield Outcome(
                records=tuple(sorted(records)), confidence=confidence, ambiguous=ambiguous
            )

    def reached(self, heard: Collection[int]) -> list[int]:
        """All records of whom something was heard; of everybody, where of nobody."""
        people = {self.members[number].profile for number in heard if number in self.members}
        return [n for n, member in self.members.items() if not heard or member.profile in people]


NOBODY = Calm(members={}, stored={})


def find_calm(
    tx: Transaction,
    members: Mapping[int, Member],
    touched: Collection[int],
    *,
    stirred: Collection[int],
    records_max: int | None,
) -> tuple[Calm, Mapping[int, Member]]:
    """The calm among components that are locked, and the members of all others.

    A component is stirred by a record that may match otherwise than it did, by a decision about
    one that was touched (it speaks of the anchors), and by an item that counts what a join would
    move. One that is set aside, or holds a touched record that was never told, is no calm one.
    """
    moved = {members[number].component for number in stirred if number in members}
    quiet = [n for n in touched if n in members and members[n].component not in moved]
    if not quiet:
        return NOBODY, members
    standing = _by_component(members, moved)
    asked = tx.reviewed_among(sorted(standing))
    profiles = {members[n].profile for n in quiet}
    stored = tx.profiles(sorted(each for each in profiles if each is not None))
    told = {id_ for id_, each in stored.items() if each.document is not None}
    spoken = _spoken_of(tx, quiet)
    unclear = {members[n].component for n in quiet if n in spoken or members[n].profile not in told}
    for component, several in standing.items():
        if component in asked or (records_max is not None and len(several) > records_max):
            unclear.add(component)
    calm = standing.keys() - unclear
    people = {members[n].profile for n in quiet if members[n].component in calm}
    mine = {m.record: m for c in calm for m in standing[c] if m.profile in people}
    left = {n: member for n, member in members.items() if member.component not in calm}
    return Calm(members=mine, stored={id_: stored[id_] for id_ in people if id_ is not None}), left


def _spoken_of(tx: Transaction, records: Collection[int]) -> Collection[int]:
    """Records that decisions name; these among them."""
    decisions = tx.decisions_among(sorted(records))
    keys = sorted({key for each in decisions for key in each.records()})
    return tx.find_records(keys).values() if keys else ()


def _by_component(members: Mapping[int, Member], moved: Collection[int]) -> dict[int, list[Member]]:
    found: dict[int, list[Member]] = {}
    for member in members.values():
        if member.component not in moved:
            found.setdefault(member.component, []).append(member)
    return found


def _people(members: Collection[Member]) -> Mapping[ProfileId, Sequence[int]]:
    found: dict[ProfileId, list[int]] = {}
    for member in members:
        if member.profile is not None:
            found.setdefault(member.profile, []).append(member.record)
    return found
