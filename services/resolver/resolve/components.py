"""Components: the connected records, loaded whole and under lock.

A component cut from a larger one (a step above 0) has edges to others. Whoever is connected with it
by an edge too weak for its step learns that it is part of something too large, and needs no more of
it than the lock.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from services.identity.domain.ids import ProfileId
from services.identity.domain.ladder import Edge, Ladder
from services.identity.store import Member, RestartBatch, StoredEdge, Transaction
from services.resolver.resolve.candidates import Pair

LOCKING_TRIED_MAX = 3  # others merge what one waits for; candidates and scores stay good
NOBODY: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The components a batch touches, as they are under lock.

    `edges` are those among `members`, and all of the batch's dirty records; no other.
    """

    members: Mapping[int, Member]
    edges: Sequence[StoredEdge]

    @classmethod
    def of(
        cls, tx: Transaction, members: Mapping[int, Member], touched: Collection[int]
    ) -> "Standing":
        """Read the edges of components that are locked."""
        return cls(members=members, edges=_edges(tx, members, touched))

    def profiles_held_by(self, pairs: Iterable[Pair]) -> frozenset[ProfileId]:
        """The profiles in which both records of one of these pairs stand."""
        members = self.members  # an edge that was cut leads out of them, and held nothing together
        inside = ((members[a], members[b]) for a, b in pairs if a in members and b in members)
        told = ((one.profile, other.profile) for one, other in inside)
        return frozenset(one for one, other in told if one is not None and one == other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """All who stand in the components that were locked; the touched records that were left.

    `found` are the edges of those that stay.
    """

    members: Mapping[int, Member]
    left: frozenset[int]
    found: Sequence[StoredEdge]


def lock_members(
    tx: Transaction,
    touched: frozenset[int],
    found: Sequence[StoredEdge],
    ladder: Ladder,
    *,
    leavable: frozenset[int] = NOBODY,
) -> Locked:
    """Lock the components of these records and of those they have edges to.

    Who is `leavable` is left where somebody else has such a component in hand; unless that were
    more than half of them: then it is waited for. Where a component changed between finding it and
    locking it all locks are let go and taken again in their order. Raises RestartBatch when that
    happens too often.
    """
    tried = [leavable] if leavable else []
    for may_leave in [*tried, *[NOBODY] * (LOCKING_TRIED_MAX - 1)]:
        with suppress(RestartBatch), tx.attempt():
            return _lock_members(tx, touched, found, ladder, leavable=may_leave)
    return _lock_members(tx, touched, found, ladder, leavable=NOBODY)


def _lock_members(
    tx: Transaction,
    touched: frozenset[int],
    found: Sequence[StoredEdge],
    ladder: Ladder,
    *,
    leavable: frozenset[int],
) -> Locked:
    """Nothing is waited for where anybody may be left: so locks need no order among themselves."""
    seen = tx.memberships(_ends(touched, found))
    before = {member.component for member in seen.values()}
    ours = tx.lock_components(sorted(before), wait=not leavable)
    left = NOBODY
    if ours != before:
        busy = frozenset(n for n, m in seen.items() if m.component not in ours)
        left = _to_leave(busy, found, leavable)
        touched = touched - left
        found = [edge for edge in found if edge.a in touched or edge.b in touched]
        seen = {number: seen[number] for number in _ends(touched, found) if number in seen}
        before = {member.component for member in seen.values()}
    if not before <= ours:
        raise RestartBatch("a component merged while it was being locked")
    members = _members(tx, seen, touched, found, ladder)
    return Locked(members=members, left=left, found=found)


def _to_leave(
    busy: frozenset[int], found: Sequence[StoredEdge], leavable: frozenset[int]
) -> frozenset[int]:
    """Who stands where somebody else is at work, or has an edge to one that does."""
    near = {end for e in found for end, other in ((e.a, e.b), (e.b, e.a)) if other in busy}
    left = frozenset(leavable & (busy | near))
    if 2 * len(left) > len(leavable):
        raise RestartBatch("most of the batch meets what another has in hand")
    return left


def _ends(touched: Iterable[int], found: Iterable[StoredEdge]) -> list[int]:
    return sorted({*touched, *(end for edge in found for end in (edge.a, edge.b))})


def _members(
    tx: Transaction,
    seen: Mapping[int, Member],
    touched: Collection[int],
    found: Sequence[StoredEdge],
    ladder: Ladder,
) -> Mapping[int, Member]:
    """Under lock: who stands where these were seen."""
    before = needed = {member.component for member in seen.values()}
    near = set(seen)
    if were_cut := _are_cut(seen.values()):  # seldom: then not all of them are needed whole
        now = tx.memberships(sorted(seen))
        if not {member.component for member in now.values()} <= before:
            raise RestartBatch("a component merged while it was being locked")
        near = _near(now, touched, found, ladder)
        needed = {now[n].component for n in near}
    members = {member.record: member for member in tx.members(sorted(needed))}
    if not near <= members.keys() or (not were_cut and _are_cut(members[n] for n in near)):
        raise RestartBatch("a record moved while its component was being locked")
    return members


def _are_cut(members: Iterable[Member]) -> bool:
    """Whether any of them stands in a part of a larger set."""
    return any(member.step for member in members)


def _near(
    now: Mapping[int, Member],
    touched: Collection[int],
    found: Sequence[StoredEdge],
    ladder: Ladder,
) -> set[int]:
    """Records whose components the batch may change: an edge counts at their step."""
    near = {number for number in touched if number in now}
    for edge in found:
        drawn = Edge(edge.a, edge.b, edge.weight, edge.joined)
        for end in (edge.a, edge.b):
            if ladder.counts_at(now[end].step, drawn):
                near.add(end)
    return near


def _edges(
    tx: Transaction, members: Mapping[int, Member], touched: Collection[int]
) -> Sequence[StoredEdge]:
    cut = [n for n in touched if n in members and members[n].step > 0]
    among = tx.edges_among(sorted(members)) if len(members) > 1 else []
    if not _are_cut(members.values()):
        return among
    inside = [edge for edge in among if edge.a in members and edge.b in members]
    own = {(edge.a, edge.b): edge for edge in tx.edges_of(sorted(cut))} if cut else {}
    return [*inside, *(own[pair] for pair in own.keys() - _pairs(inside))]


def _pairs(edges: Sequence[StoredEdge]) -> set[Pair]:
    return {(edge.a, edge.b) for edge in edges}
