"""The resolver's way from records to clusters, in one process and without a store.

derive -> blocking keys -> candidate pairs -> weights -> components -> clusters, with the functions
and the limits that the resolver uses. Pairs inside a source declared unique are never candidates.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from services.identity.domain.clustering import Problem, agglomerate
from services.identity.domain.ladder import Edge, Ladder, lay_out
from services.linkage.features import Features, derive
from services.linkage.keys import blocking_keys
from services.linkage.model import LinkageModel
from services.linkage.score import PairScorer, PairWeights, totals
from services.linkage.training.inside import pairs_inside
from services.linkage.training.records import TrainingRecord

_PAIRS_A_BATCH = 50_000
Rows = npt.NDArray[np.int64]


def cluster(
    records: Sequence[TrainingRecord],
    model: LinkageModel,
    *,
    unique_sources: Collection[str] = frozenset(),
) -> tuple[list[str], Rows]:
    """Of each record the smallest key of its cluster; and the candidate pairs, [2, n] places."""
    ordered = sorted(range(len(records)), key=lambda row: records[row].key)
    sources = [records[row].source for row in ordered]
    features = [derive(records[row].values, model.spec) for row in ordered]
    left, right = candidate_pairs(features, model)
    unique = np.array([source in unique_sources for source in sources])
    names = np.array(sources)
    kept = ~(unique[left] & (names[left] == names[right]))
    left, right = left[kept], right[kept]
    scorer = PairScorer(model)
    labels = _clusters(scorer, features, left, right, unique=unique, names=names)
    scorer.close()
    result = [""] * len(records)
    for place, row in enumerate(ordered):
        result[row] = records[ordered[labels[place]]].key
    places = np.array(ordered, dtype=np.int64)
    return result, np.stack((places[left], places[right]))


def candidate_pairs(features: Sequence[Features], model: LinkageModel) -> tuple[Rows, Rows]:
    """Pairs that share a key which is not generic."""
    holders: dict[int, list[int]] = defaultdict(list)
    for row, record in enumerate(features):
        for key in blocking_keys(record, model):
            holders[key].append(row)
    pairs = {
        pair
        for rows in holders.values()
        if len(rows) <= model.block_limit
        for pair in combinations(rows, 2)
    }
    both = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _clusters(
    scorer: PairScorer,
    features: Sequence[Features],
    left: Rows,
    right: Rows,
    *,
    unique: npt.NDArray[np.bool_],
    names: npt.NDArray[np.str_],
) -> Rows:
    model = scorer.model
    units = totals(_score(scorer, features, left, right), model)
    placed = lay_out(
        dict.fromkeys(range(len(features)), 0),
        map(Edge, left.tolist(), right.tolist(), units.tolist()),
        Ladder(floor=model.edge_floor_units),
    )
    inside = pairs_inside(np.array([each.part for each in placed.values()], dtype=np.int64))
    pairs = _score(scorer, features, inside.left, inside.right)
    labels = np.arange(len(features), dtype=np.int64)
    for number, rows in enumerate(inside.components):
        part = slice(inside.starts[number], inside.starts[number + 1])
        once = unique[rows]
        problem = Problem(
            size=len(rows),
            weights=pairs.weights[part],
            present=pairs.present[part],
            prior=model.prior_units,
            relatives=model.relatives,
            tau=model.tau,
            alone_share=model.alone_share,
            forbidden=once[:, None] & once & (names[rows][:, None] == names[rows]),
        )
        labels[rows] = rows[agglomerate(problem).labels]
    return labels


def _score(
    scorer: PairScorer, features: Sequence[Features], left: Rows, right: Rows
) -> PairWeights:
    """Scored in batches: what stands in a batch changes no weight."""
    weights, present = [], []
    for start in range(0, max(len(left), 1), _PAIRS_A_BATCH):
        some = slice(start, start + _PAIRS_A_BATCH)
        pairs = scorer.score(features, left[some], right[some])
        weights.append(pairs.weights)
        present.append(pairs.present)
    return PairWeights(weights=np.concatenate(weights), present=np.concatenate(present))
