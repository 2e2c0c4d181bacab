"""Pairs inside components that have no edge: read where they were kept, else scored and kept."""

from collections.abc import Mapping
from itertools import chain

from services.identity.store import Member, Transaction
from services.resolver.resolve.candidates import Pair
from services.resolver.resolve.cluster import Plan
from services.resolver.resolve.engine import Engine
from services.resolver.resolve.known import Known
from services.resolver.resolve.memory import PAIRS_KEPT_MAX, pack, unpack


def weigh_inner(
    tx: Transaction,
    engine: Engine,
    known: Known,
    plans: Mapping[int, Plan],
    *,
    members: Mapping[int, Member],
    vectors: dict[Pair, bytes],
) -> int:
    """Add to `vectors` what the plans, by component, lack; how many pairs were scored for it.

    `members` tell of each record in which component it stood until now.
    """
    missing = {c: lacking for c, plan in plans.items() if (lacking := _lacking(plan, vectors))}
    if not missing:
        return 0
    large = {c for c, pairs in missing.items() if len(pairs) >= engine.pairs_kept_min}
    stood = {members[each.number].component for c in large for each in plans[c].case.records}
    kept = tx.pair_vectors(sorted(stood)) if stood else {}
    model = engine.deriver.model.version
    for raw in kept.values():
        vectors.update(unpack(raw, known.digest_of_any, model=model))
    new = [pair for pair in chain.from_iterable(missing.values()) if pair not in vectors]
    vectors.update(zip(new, engine.score(known, new).vectors, strict=True))
    fit = {c: pairs for c, pairs in missing.items() if c in large and len(pairs) <= PAIRS_KEPT_MAX}
    scored = frozenset(new)
    written = {
        component: pack(pairs, vectors, known.digest, model=model)
        for component, pairs in fit.items()
        if component not in kept or not scored.isdisjoint(pairs)
    }
    gone = sorted(kept.keys() - fit.keys())  # a part of another now, or with hardly a pair left
    if written or gone:
        tx.put_pair_vectors(written, gone=gone)
    return len(new)


def _lacking(plan: Plan, vectors: Mapping[Pair, bytes]) -> list[Pair]:
    return [pair for pair in plan.pairs() if pair not in vectors]
