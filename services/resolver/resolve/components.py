"""Components: the connected records, loaded whole and under lock."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from services.identity.store import Member, RestartBatch, StoredEdge, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The components a batch touches, as they are under lock: their members and old edges."""

    members: Mapping[int, Member]
    edges: Sequence[StoredEdge]


def lock_standing(tx: Transaction, records: Collection[int]) -> Standing:
    """Lock the components of these records, then read them.

    Raises RestartBatch when a component changed between finding it and locking it: the batch
    starts again, rather than take locks out of order.
    """
    before = {member.component for member in tx.memberships(sorted(records)).values()}
    locked = tx.lock_components(sorted(before))
    now = tx.memberships(sorted(records))
    if locked != before or not {member.component for member in now.values()} <= before:
        raise RestartBatch("a component merged while it was being locked")
    members = {member.record: member for member in tx.members(sorted(before))}
    if not now.keys() <= members.keys():
        raise RestartBatch("a record moved while its component was being locked")
    edges = tx.edges_among(sorted(members)) if len(members) > 1 else []
    return Standing(members=members, edges=edges)
