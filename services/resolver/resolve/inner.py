"""Pairs inside components that have no edge: read where they were kept, else scored and kept."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from services.identity.store import Member, Transaction
from services.resolver.resolve.cluster import Part, Plan
from services.resolver.resolve.engine import Engine
from services.resolver.resolve.known import Known
from services.resolver.resolve.memory import PAIRS_KEPT_MAX, pack, unpack
from services.resolver.resolve.weighed import Numbers, Weighed


def weigh_inner(
    tx: Transaction,
    engine: Engine,
    known: Known,
    plans: Mapping[int, Plan],
    *,
    members: Mapping[int, Member],
    parts: Sequence[Part],
    weighed: Weighed,
) -> int:
    """Add what the parts of the plans, by component, lack; how many pairs were scored for it.

    `members` tell of each record in which component it stood until now.
    """
    lacking = _lacking(plans, parts, weighed)
    if not lacking:
        return 0
    large = {c for c, rows in lacking.items() if len(rows) >= engine.pairs_kept_min}
    stood = {members[each.number].component for c in large for each in plans[c].case.records}
    kept = tx.pair_vectors(sorted(stood)) if stood else {}
    model = engine.deriver.model.version
    for raw in kept.values():
        if (found := unpack(raw, known.digest_of_any, model=model)) is not None:
            weighed.put(*found)
    new = weigh_missing(engine, known, weighed)
    is_new = np.zeros(len(weighed.vectors), dtype=bool)
    is_new[new] = True
    fit = {c: rows for c, rows in lacking.items() if c in large and len(rows) <= PAIRS_KEPT_MAX}
    written = {
        c: pack(*weighed.ends(rows), weighed.vectors[rows], known.digest, model=model)
        for c, rows in fit.items()
        if c not in kept or is_new[rows].any()
    }
    gone = sorted(kept.keys() - fit.keys())  # a part of another now, or with hardly a pair left
    if written or gone:
        tx.put_pair_vectors(written, gone=gone)
    return len(new)


def weigh_missing(engine: Engine, known: Known, weighed: Weighed) -> Numbers:
    """Score every pair of which nothing is known; the rows that were."""
    rows = np.concatenate([np.zeros(0, dtype=np.int64), *weighed.missing()])
    if len(rows):
        numbers, ends = weighed.ends(rows)
        weighed.put_rows(rows, engine.weigh(known, numbers.tolist(), ends))
    return rows


def _lacking(
    plans: Mapping[int, Plan], parts: Sequence[Part], weighed: Weighed
) -> dict[int, Numbers]:
    """Of each component the rows of which nothing is known."""
    component_of = {id(plan): component for component, plan in plans.items()}
    found: dict[int, list[Numbers]] = defaultdict(list)
    for part, rows in zip(parts, weighed.missing(), strict=True):
        if len(rows):
            found[component_of[id(part.plan)]].append(rows)
    return {c: np.concatenate(each) if len(each) > 1 else each[0] for c, each in found.items()}
