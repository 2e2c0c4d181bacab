"""How long one component of the largest size takes to be clustered again, every pair known."""

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from statistics import median
from typing import Any

from services.cli.home import Home
from services.identity.adapters.sql.store import SqlStore
from services.identity.domain.ladder import COMPONENT_UNITS_MAX, Ladder
from services.identity.store import Transaction
from services.resolver.resolve.cluster import Case, ClusterContext, Plan, cluster_all
from services.resolver.resolve.engine import Engine
from services.resolver.resolve.known import Known
from services.resolver.standing import Standing

TRIES = 9
UNBOUND = 1 << 20  # units: nothing is cut


def recluster(home: Home, records: int = COMPONENT_UNITS_MAX) -> dict[str, Any]:
    """So many records of the base, people's records among them, as if all were connected.

    Milliseconds from the records and what their pairs weigh to clusters.
    """
    store = SqlStore(home.url)
    try:
        with store.transaction() as tx:
            return _timed(tx, Standing().engine(tx), records)
    finally:
        store.close()


def _timed(tx: Transaction, engine: Engine, count: int) -> dict[str, Any]:
    known = Known(tx, engine.deriver.rules)
    known.read(range(1, count + 1))
    numbers = sorted(known.records, key=known.key_of)
    pairs = list(combinations(sorted(numbers), 2))
    vectors = dict(zip(pairs, engine.score(known, pairs).vectors, strict=True))
    case, context = _case(known, numbers, vectors), _unbound(engine)
    milliseconds: list[float] = []
    clusters = 0
    for _ in range(TRIES):
        begun = time.perf_counter()
        (found,) = cluster_all([Plan(case, context)], vectors)
        milliseconds.append((time.perf_counter() - begun) * 1e3)
        clusters = len(found.outcomes)
    return {
        "records": len(numbers),
        "clusters": clusters,
        "median_ms": round(median(milliseconds), 1),
        "least_ms": round(min(milliseconds), 1),
    }


def _case(known: Known, numbers: Sequence[int], vectors: dict[tuple[int, int], bytes]) -> Case:
    decisive = known.decisive_without_generic(numbers)
    return Case(
        records=[known.records[n] for n in numbers],
        features=known.features_of(numbers),
        decisive=[decisive[n] for n in numbers],
        weights={},
        vectors=vectors,
    )


def _unbound(engine: Engine) -> ClusterContext:
    ladder = Ladder(floor=engine.context.ladder.floor, units_max=UNBOUND)
    return replace(engine.context, ladder=ladder)
