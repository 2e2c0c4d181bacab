"""Some landed records, each with those that share a blocking key with it: what people are made of.

The keys are those under which the active model finds candidates, identifiers' included, as landing
left them: so a search reads what it draws, however large the base. A function of the records and
of that model alone (tests/unit/services/resolver/test_train_on_landed.py).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.identity.store import ResolverStore, StoredRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedBounds:
    """Bases of more than `records_max` records are drawn from: `seeds_max`, and what is like them.

    A key of more than `holders_max` records ties nobody; a seed takes its rarest keys first, while
    they bring no more than `neighbours_max`.
    """

    records_max: int = 200_000
    seeds_max: int = 100_000
    holders_max: int = 30
    neighbours_max: int = 30
    seeds_at_once: int = 2_500


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedNear:
    """Some seeds, all records needed for them, and which are alike: (seed, other) by number."""

    seeds: Sequence[int]
    links: Sequence[tuple[int, int]]
    records: Mapping[int, StoredRecord]


def landed_alike(
    store: ResolverStore, seeds: Sequence[int], *, sources: Collection[str], bounds: LandedBounds
) -> Iterator[LandedNear]:
    """The seeds in their order, some at once; only records of these sources."""
    for start in range(0, len(seeds), bounds.seeds_at_once):
        some = seeds[start : start + bounds.seeds_at_once]
        with store.transaction() as tx:
            found = tx.records(some)
            keys = sorted({key for record in found.values() for key in record.keys})
            holders = tx.holders(dict.fromkeys(keys, bounds.holders_max))
            links = [
                (seed, other)
                for seed in some
                if seed in found
                for other in sorted(_alike(found[seed], holders, bounds))
            ]
            found |= tx.records(sorted({other for _, other in links} - found.keys()))
        wanted = {
            number: record
            for number, record in found.items()
            if record.key.source in sources and not record.state.is_empty
        }
        yield LandedNear(
            seeds=[seed for seed in some if seed in wanted],
            links=[link for link in links if link[0] in wanted and link[1] in wanted],
            records=wanted,
        )


def _alike(
    seed: StoredRecord, holders: Mapping[int, Sequence[int]], bounds: LandedBounds
) -> set[int]:
    near: set[int] = set()
    for key in sorted(seed.keys, key=lambda key: (len(holders.get(key, ())), key)):
        held = holders.get(key, ())
        more = near.union(held) - {seed.number}
        if len(held) <= bounds.holders_max and len(more) <= bounds.neighbours_max:
            near = more
    return near
