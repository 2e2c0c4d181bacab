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


def lock_members(
    tx: Transaction, touched: Collection[int], found: Sequence[StoredEdge], ladder: Ladder
) -> Mapping[int, Member]:
    """Lock the components of these records and of those they have edges to; all who stand there.

    Where one changed between finding it and locking it all locks are let go and taken again in
    their order. Raises RestartBatch when that happens too often.
    """
    for _ in range(LOCKING_TRIED_MAX - 1):
        with suppress(RestartBatch), tx.attempt():
            return _lock_members(tx, touched, found, ladder)
    return _lock_members(tx, touched, found, ladder)


def _lock_members(
    tx: Transaction, touched: Collection[int], found: Sequence[StoredEdge], ladder: Ladder
) -> Mapping[int, Member]:
    records = sorted({*touched, *(end for edge in found for end in (edge.a, edge.b))})
    seen = tx.memberships(records)
    before = {member.component for member in seen.values()}
    if tx.lock_components(sorted(before)) != before:
        raise RestartBatch("a component merged while it was being locked")
    near = set(seen)
    needed = before
    if were_cut := _are_cut(seen.values()):  # seldom: then not all of them are needed whole
        now = tx.memberships(records)
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
