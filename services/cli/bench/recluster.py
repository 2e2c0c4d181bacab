"""How long one component of the largest size takes to be clustered again, every pair known."""

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from statistics import median
from typing import Any

import numpy as np

from services.cli.home import Home
from services.identity.adapters.sql.store import SqlStore
from services.identity.domain.ladder import COMPONENT_UNITS_MAX, Ladder
from services.identity.store import Transaction
from services.resolver.resolve.cluster import (
    Case,
    ClusterContext,
    Plan,
    cluster_all,
    parts_asked,
    weighed_in,
)
from services.resolver.resolve.engine import Engine
from services.resolver.resolve.known import Known
from services.resolver.resolve.memory import pack, unpack
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
    case, context = _case(known, numbers), _unbound(engine)
    model = engine.deriver.model
    kept = _kept(known, engine, numbers)
    milliseconds: list[float] = []
    clusters = 0
    for _ in range(TRIES):
        begun = time.perf_counter()
        plan = Plan(case, context)
        parts = parts_asked([plan])
        weighed = weighed_in(parts, {}, width=len(model.comparisons))
        if (held := unpack(kept, known.digest_of_any, model=model.version)) is not None:
            weighed.put(*held)
        (found,) = cluster_all([plan], parts, weighed)
        milliseconds.append((time.perf_counter() - begun) * 1e3)
        clusters = len(found.outcomes)
    return {
        "records": len(numbers),
        "clusters": clusters,
        "median_ms": round(median(milliseconds), 1),
        "least_ms": round(min(milliseconds), 1),
    }


def _kept(known: Known, engine: Engine, numbers: Sequence[int]) -> bytes:
    """What all their pairs weigh, as it is kept with a component."""
    ends = np.array(list(combinations(range(len(numbers)), 2)))
    vectors = engine.weigh(known, numbers, ends)
    version = engine.deriver.model.version
    return pack(np.array(numbers), ends, vectors, known.digest, model=version)


def _case(known: Known, numbers: Sequence[int]) -> Case:
    decisive = known.decisive_without_generic(numbers)
    return Case(
        records=[known.records[n] for n in numbers],
        features=known.features_of(numbers),
        decisive=[decisive[n] for n in numbers],
        weights={},
        vectors={},
    )


def _unbound(engine: Engine) -> ClusterContext:
    ladder = Ladder(floor=engine.context.ladder.floor, units_max=UNBOUND)
    return replace(engine.context, ladder=ladder)
