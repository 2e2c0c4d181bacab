"""Pairs worth comparing: records that share a key which is not generic.

A key held by more than its limit of records is generic and makes no pair. That is decided from the
holders as they are; what was last told of a key (`generic_key`) only finds the crossings of the
limit, up or down, at which every holder is marked dirty. Whoever adds a holder is dirty itself and
sees the crossing; whoever lets go of a key leaves a KEY mark. Up, whoever else sees it waits to
tell it; down, others take the key for generic until that is committed, so that its holders are
asked for after it, by a FALLEN mark. Checked by tests/integration/test_generic_crossing.py.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from services.identity.domain.identifiers import (
    IdentityRules,
    is_blocking_key,
    joined_identifier_key,
)
from services.identity.domain.ids import Micros
from services.identity.store import RestartBatch, ReviewItem, StoredRecord, Transaction
from services.identity.store_marks import MarkKind

REVIEW_KIND = "generic_key"
Pair = tuple[int, int]
"""Two record numbers, the smaller first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What was read before any lock; `generic` are those of the records' keys that many hold.

    `untold`: keys that may be generic otherwise than was last told (tell_crossings).
    """

    pairs: frozenset[Pair]
    holders: Mapping[int, Sequence[int]]
    generic: frozenset[int]
    untold: frozenset[int]


def find_candidates(
    tx: Transaction,
    records: Collection[StoredRecord],
    rules: IdentityRules,
    *,
    let_go: Collection[int],
) -> Candidates:
    """Every candidate pair of these records, and which of their keys are generic.

    A key is generic when more records hold it than the rules allow. What crossed that limit is to
    be told with the keys that others let go of: generic keys are locked once a transaction, and
    not while pairs are being scored.
    """
    keys = sorted({key for record in records for key in record.keys})
    if not keys:
        untold = frozenset(let_go)
        return Candidates(pairs=frozenset(), holders={}, generic=frozenset(), untold=untold)
    told = tx.generic_among(keys)
    # Of a key that is told generic nobody needs the holders, unless one let go of it.
    known = told.difference(let_go)
    limits = {key: rules.holders_max(key) for key in keys if key not in known}
    holders = tx.holders(limits)
    found = {key for key, numbers in holders.items() if len(numbers) > limits[key]}
    generic = known.union(found)
    pairs = _pairs(records, holders, generic)
    untold = (generic ^ told).union(let_go)
    return Candidates(pairs=pairs, holders=holders, generic=generic, untold=untold)


def check_crossings(tx: Transaction, records: Iterable[StoredRecord], found: Candidates) -> None:
    """Under component locks: what is told of every key must be what was read of its holders.

    Whoever tells a crossing marks every holder, so that an edge stands only while what is told is
    what it was decided by. A key that fell and rose again untold would leave its edges behind.
    """
    keys = sorted({key for record in records for key in record.keys})
    now = tx.generic_among(keys)
    if now != found.generic.intersection(keys):
        raise RestartBatch("a key crossed its limit while pairs were being scored")


def _pairs(
    records: Iterable[StoredRecord],
    holders: Mapping[int, Sequence[int]],
    generic: frozenset[int],
) -> frozenset[Pair]:
    pairs: set[Pair] = set()
    for record in records:
        number = record.number
        for key in record.keys:
            if key not in generic:
                for other in holders.get(key, ()):
                    if other != number:
                        pairs.add((number, other) if number < other else (other, number))
    return frozenset(pairs)


def tell_crossings(
    tx: Transaction, keys: Collection[int], rules: IdentityRules, *, at: Micros
) -> None:
    """Under lock: where a key is generic now and was not told so, or was, all holders are dirty."""
    if not keys:
        return
    told = tx.lock_generic(sorted(keys))
    limits = {key: rules.holders_max(key) for key in sorted(keys)}
    holders = tx.holders(limits)  # counted after the lock was granted
    now = {key: len(holders.get(key, ())) > limits[key] for key in limits}
    crossed = {key: is_generic for key, is_generic in now.items() if is_generic != (key in told)}
    if not crossed:
        return
    tx.set_generic(crossed, at=at)
    risen = [key for key, is_generic in crossed.items() if is_generic]
    fallen = [key for key, is_generic in crossed.items() if not is_generic]
    held = _mark_holders(tx, risen, at=at)
    tx.mark((MarkKind.FALLEN, key, at) for key in fallen)
    _review(tx, held, limits, at=at)
    tx.close_reviews(REVIEW_KIND, [str(key) for key in fallen])


def review_spoken(
    tx: Transaction, keys: Collection[int], rules: IdentityRules, *, at: Micros
) -> None:
    """Of keys that a steward spoke of, once told: only what was counted is to be looked at.

    What a word changes may leave a key as generic as it was.
    """
    limits = {key: rules.holders_max(key) for key in sorted(keys)}
    told = tx.generic_among(sorted(keys))
    counted = {key: tx.holders_of(key) for key in sorted(told) if limits[key]}
    _review(tx, counted, limits, at=at)
    tx.close_reviews(REVIEW_KIND, [str(key) for key in sorted(limits.keys() - counted.keys())])


def _review(
    tx: Transaction, held: Mapping[int, Sequence[int]], limits: Mapping[int, int], *, at: Micros
) -> None:
    items = [
        ReviewItem(
            REVIEW_KIND,
            str(key),
            {
                "generic": True,
                "type": _type_of(tx, key, holders),
                "holders": len(holders),
                "holders_max": limits[key],
            },
        )
        for key, holders in held.items()
        if limits[key]  # of none at all a steward has said so
    ]
    tx.review(items, at=at)


def mark_fallen(tx: Transaction, keys: Collection[int], *, at: Micros) -> None:
    """Of keys that were told, in a transaction before this one, to be generic no longer."""
    if keys:
        _mark_holders(tx, sorted(keys), at=at)


def _mark_holders(
    tx: Transaction, keys: Sequence[int], *, at: Micros
) -> Mapping[int, Sequence[int]]:
    """Key by key: who held one stands together, and is resolved together."""
    held = {key: tx.holders_of(key) for key in keys}
    touched = dict.fromkeys(chain.from_iterable(held.values()))
    tx.mark((MarkKind.MATCHING, number, at) for number in touched)
    return held


def _type_of(tx: Transaction, key: int, holders: Sequence[int]) -> str | None:
    """Of which type an identifier is, never its value; None of a blocking key."""
    if is_blocking_key(key) or not holders:
        return None
    for record in tx.records(holders[:1]).values():
        for text in record.state.identifiers:
            if joined_identifier_key(text) == key:
                return text.split("\x1f", 1)[0]
    return None
