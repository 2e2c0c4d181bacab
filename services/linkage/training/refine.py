"""Refinement: cluster the training records, learn m and the prior from the clusters, again.

Nobody is claimed meanwhile (domain/alone.py): a relative claimed by mistake would teach that people
change their birth dates. How many are alone is read off the last clusters.

The components and the pairs inside them stay; only what their comparisons are worth changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from services.identity.domain.ladder import Edge, Ladder, lay_out
from services.identity.domain.weights import UNITS_PER_BIT
from services.linkage.comparisons import (
    PERHAPS_SHARED_KINDS,
    PROBABILITY_MIN,
    SOMETIMES_SHARED_KINDS,
    Comparison,
)
from services.linkage.levels import ComparisonKind
from services.linkage.model import Key, LinkageModel
from services.linkage.training.choose_keys import ChosenKeys, FirstPairs
from services.linkage.training.cluster_rows import cluster_rows
from services.linkage.training.edge_floor import edge_floor
from services.linkage.training.em import smoothed
from services.linkage.training.estimate_u import refine_u
from services.linkage.training.household import RelativesEvidence, fit_kinship
from services.linkage.training.inside import Inside, pairs_inside
from services.linkage.training.learn import Learned
from services.linkage.training.pairs import Ints, Vectors
from services.linkage.training.parameters import Parameters
from services.linkage.training.prior import MATCH_SHARE_MAX
from services.linkage.training.report import Bucket, Round, calibrate
from services.linkage.training.workbench import Workbench

_ROUNDS = 2
_PERHAPS_MAX = 12  # categories: 4 MB each of half a million pairs
_PSEUDO_COUNT = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refined:
    """The model of the last round, the parameters it is made of, and what each round found."""

    model: LinkageModel
    parameters: Parameters
    rounds: tuple[Round, ...]
    calibration: tuple[Bucket, ...]


def refine(bench: Workbench, learned: Learned, chosen: ChosenKeys) -> Refined:
    """Cluster, learn, and again: three clusterings, the last by the model that is returned."""
    parameters = learned.parameters
    vectors = bench.compare(chosen.left, chosen.right)
    labels = np.arange(bench.record_count)
    first_vectors = bench.compare(chosen.first.left, chosen.first.right)
    model = fitted_model(bench, parameters, chosen.first, first_vectors, keys=chosen.keys)
    inside = _inside(bench, chosen, vectors, model)
    inside_vectors = bench.compare(inside.left, inside.right)
    rounds = []
    for number in range(_ROUNDS + 1):
        labels = cluster_rows(bench, inside, inside_vectors, model)
        joined = labels[inside.left] == labels[inside.right]
        # A pair that speaks against itself came together through others: it teaches nothing.
        units = bench.units(inside.left, inside.right, inside_vectors, model)
        sure = joined & (units >= model.edge_floor_units)
        sizes = np.bincount(labels)
        rounds.append(
            Round(
                clusters=int((sizes > 0).sum()),
                largest=int(sizes.max()),
                pairs_inside=int(joined.sum()),
            )
        )
        if number < _ROUNDS:
            parameters = _relearn(bench, learned, parameters, inside_vectors, joined=sure)
            model = fitted_model(bench, parameters, chosen.first, first_vectors, keys=chosen.keys)
    units = bench.units(chosen.left, chosen.right, vectors, model)
    floor = edge_floor(units, chosen.left, chosen.right, clusters=labels)
    return Refined(
        model=replace(model, edge_floor=floor, alone_share=_alone_share(labels)),
        parameters=parameters,
        rounds=tuple(rounds),
        calibration=calibrate(units / UNITS_PER_BIT, labels[chosen.left] == labels[chosen.right]),
    )


def _alone_share(labels: Ints) -> float:
    """Of all records, those that are the only one of their cluster."""
    return float((np.bincount(labels) == 1).sum() / len(labels))


def fitted_model(
    bench: Workbench,
    parameters: Parameters,
    first: FirstPairs,
    vectors: Vectors,
    *,
    keys: Sequence[Key] = (),
) -> LinkageModel:
    """The model of these parameters, with the kinship that fits the pairs first chosen."""
    model = bench.model(parameters, keys=keys)
    relatives = model.relatives
    sometimes = [comparison.kind in SOMETIMES_SHARED_KINDS for comparison in model.comparisons]
    contacts = {c.name: j for j, c in enumerate(model.comparisons) if sometimes[j]}
    perhaps = _perhaps_shared(model.comparisons)
    singly = contacts | perhaps
    roles = [
        [a or b for a, b in zip(relatives.shared, sometimes, strict=True)],
        relatives.born,
        relatives.given,
        [True] * len(model.comparisons),
        *([j == place for j in range(len(sometimes))] for place in singly.values()),
    ]
    shared, born, given, total, *of_each = bench.bits(
        first.left, first.right, vectors, model, roles=roles
    )
    each = {
        name: (bits, vectors[:, j] >= 0)
        for (name, j), bits in zip(singly.items(), of_each, strict=True)
    }
    fitted = fit_kinship(
        RelativesEvidence(
            shared=shared,
            born=born if any(relatives.born) else None,
            given=given if any(relatives.given) else None,
            total=total,
            contacts={name: each[name] for name in contacts},
            perhaps={name: each[name] for name in perhaps},
            numbers=[
                c.name
                for c in model.comparisons
                if c.kind is ComparisonKind.ID or c.name in perhaps
            ],
        ),
        match_share=parameters.match_share,
        pair_count=bench.pair_count / first.stands_for,
        record_count=bench.record_count,
    )
    return replace(model, kinship=fitted.kinship, contact_shares=fitted.contact_shares)


def _perhaps_shared(comparisons: Sequence[Comparison]) -> dict[str, int]:
    """The most telling of the comparisons that relatives may have in common, and their places."""
    found = [j for j, each in enumerate(comparisons) if each.kind in PERHAPS_SHARED_KINDS]
    found.sort(key=lambda j: (-comparisons[j].m[0] / max(comparisons[j].u[0], PROBABILITY_MIN), j))
    return {comparisons[j].name: j for j in sorted(found[:_PERHAPS_MAX])}


def _inside(bench: Workbench, chosen: ChosenKeys, vectors: Vectors, model: LinkageModel) -> Inside:
    """Components of edges above the floor, cut where they are too large, and all their pairs."""
    units = bench.units(chosen.left, chosen.right, vectors, model)
    kept = units >= model.edge_floor_units
    left, right, weights = chosen.left[kept], chosen.right[kept], units[kept]
    placed = lay_out(
        dict.fromkeys(range(bench.record_count), 0),
        map(Edge, left.tolist(), right.tolist(), weights.tolist()),
        Ladder(floor=model.edge_floor_units),
    )
    return pairs_inside(np.array([each.part for each in placed.values()], dtype=np.int64))


def _relearn(
    bench: Workbench,
    learned: Learned,
    parameters: Parameters,
    vectors: Vectors,
    *,
    joined: npt.NDArray[np.bool_],
) -> Parameters:
    """Take the pairs inside clusters for the matches; then u again."""
    inside = vectors[joined]
    m = []
    for column, default in enumerate(parameters.default_m):
        level = inside[:, column]
        counts = np.bincount(level[level >= 0], minlength=len(default)).astype(np.float64)
        m.append(smoothed(counts, default, _PSEUDO_COUNT))
    share = min(max(len(inside), 1) / bench.pair_count, MATCH_SHARE_MAX)
    return refine_u(learned.random_vectors, replace(parameters, m=tuple(m), match_share=share))
