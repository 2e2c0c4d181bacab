"""People drawn whole: of records with all that look like them, those that are theirs.

A seed's group is the seed and the neighbours that a model which has learned nothing yet finds
likelier than not to be one person or household with it. Every record of a group is as likely a
seed as the others, so that a group would come as often as it has records: it counts only where
its seed is the one that it is known by. What is left is a smaller base with as many records a
person, relatives a person included, as the whole: what `base_size` is for.

Source: adaptive cluster sampling, Thompson (1990).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from services.linkage.features import Fields
from services.linkage.survey import survey
from services.linkage.training.estimate_u import RANDOM_PAIRS_SEED, estimate_u
from services.linkage.training.pairs import Ints, random_pairs
from services.linkage.training.parameters import initial_parameters
from services.linkage.training.records import Texts, TrainingRecord
from services.linkage.training.sample import Sample
from services.linkage.training.workbench import Workbench

_RANDOM_PAIRS_MAX = 100_000
_BITS_MIN = -2.0  # a neighbour of even odds is likely one; strangers so alike are few


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnFrom:
    """The base that records are drawn from: its fields, and how many `records` it has.

    `unique_sources` hold every person once at most.
    """

    fields: Fields
    unique_sources: Collection[str]
    records: int


def whole_groups(
    records: Mapping[str, TrainingRecord],
    *,
    seeds: Sequence[str],
    links: Sequence[tuple[str, str]],
    base: DrawnFrom,
) -> Iterator[tuple[TrainingRecord, ...]]:
    """The groups of these seeds that count, each with its seed first.

    `records` are seeds and neighbours by key, `links` (seed, neighbour).
    """
    known = [(seed, other) for seed, other in links if seed in records and other in records]
    groups: dict[str, list[str]] = {seed: [] for seed in seeds if seed in records}
    kept = _are_near(records, list(groups), known, base)
    for (seed, other), is_near in zip(known, kept.tolist(), strict=True):
        if is_near:
            groups[seed].append(other)
    for seed, others in groups.items():
        if all(_lot(seed) <= _lot(other) for other in others):
            yield tuple(records[key] for key in (seed, *others))


def _are_near(
    records: Mapping[str, TrainingRecord],
    seeds: Sequence[str],
    links: Sequence[tuple[str, str]],
    base: DrawnFrom,
) -> npt.NDArray[np.bool_]:
    """Which links hold by the default m, the u of seeds, and a prior of one match a record."""
    rows = {key: row for row, key in enumerate(sorted(records))}
    ordered = tuple(records[key] for key in rows)
    used = {name for record in ordered for name in record.values}
    filled = tuple((name, kind) for name, kind in base.fields if name in used)
    bench = Workbench(
        Sample(records=ordered, taken=len(ordered), seen=base.records),
        survey(Texts(ordered), filled),
        unique_sources=base.unique_sources,
    )
    left = _rows(rows, [seed for seed, _ in links])
    right = _rows(rows, [other for _, other in links])
    if not links or not bench.comparisons:
        return np.zeros(len(links), dtype=np.bool_)
    one, two = random_pairs(len(seeds), pairs_max=_RANDOM_PAIRS_MAX, seed=RANDOM_PAIRS_SEED)
    of_seeds = np.sort(_rows(rows, seeds))
    parameters = initial_parameters([each.default_m for each in bench.comparisons])
    parameters = estimate_u(bench.compare(of_seeds[one], of_seeds[two]), parameters)
    model = bench.model(replace(parameters, match_share=1 / base.records))
    first, second = np.minimum(left, right), np.maximum(left, right)
    vectors = bench.compare(first, second)
    near: npt.NDArray[np.bool_] = bench.match_weights(first, second, vectors, model) >= _BITS_MIN
    return near & bench.allowed(first, second)


def _rows(rows: Mapping[str, int], keys: Sequence[str]) -> Ints:
    return np.array([rows[key] for key in keys], dtype=np.int64)


def _lot(key: str) -> bytes:
    """Which of a group's records it is known by; nothing to do with which are seeds."""
    return blake2b(key.encode(), digest_size=8, person=b"group").digest()
