"""Members of new and changed segments over the whole base, in bounded batches.

Every batch locks the components of its profiles, so that it and the stream never tell the same
membership twice; the stream evaluates new definitions from the moment they are kept.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from services.identity.domain.ids import Micros, ProfileId, SegmentId
from services.identity.ports import Clock
from services.identity.store import ResolverStore, Transaction
from services.identity.wire import profiles as documents
from services.resolver.perform import tell_moves
from services.resolver.restarts import with_restarts
from services.resolver.standing import Standing

RECORDS_MAX = 2_000


def backfill(store: ResolverStore, standing: Standing, clock: Clock) -> Mapping[SegmentId, int]:
    """Evaluate every profile again; returns the members of each segment."""
    counts: Counter[SegmentId] = Counter()
    for numbers in store.record_numbers():
        for start in range(0, len(numbers), RECORDS_MAX):
            batch = numbers[start : start + RECORDS_MAX]
            work = partial(_batch, standing=standing, numbers=batch, at=clock.now())
            counts.update(with_restarts(store, work))
    return counts


def _batch(
    tx: Transaction, *, standing: Standing, numbers: Sequence[int], at: Micros
) -> Counter[SegmentId]:
    """The profiles whose anchor's component begins in this batch: each profile once."""
    here = tx.lock_components(numbers)
    members = [m for m in tx.members(sorted(here)) if m.profile is not None]
    ids: list[ProfileId] = sorted({m.profile for m in members if m.profile is not None})
    stored = {each: row for each, row in tx.profiles(ids).items() if row.document is not None}
    engine = standing.engine(tx)
    profiles = [documents.decode(row.document) for row in stored.values() if row.document]
    tell_moves(tx, engine, profiles, stored, at=at)
    return Counter(s for held in tx.segments_of(ids).values() for s in held)
