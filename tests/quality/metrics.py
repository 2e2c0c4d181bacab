"""How good a partition is: pairwise and B-cubed figures, and its largest cluster."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Fractions are over all true pairs of the set; pairs that blocking missed count as missed."""

    precision: float
    recall: float
    bcubed_precision: float
    bcubed_recall: float
    largest: int
    false_pairs: int
    missed_pairs: int

    @property
    def f1(self) -> float:
        return _harmonic(self.precision, self.recall)

    @property
    def bcubed_f1(self) -> float:
        return _harmonic(self.bcubed_precision, self.bcubed_recall)


def measure(
    clusters: Sequence[Hashable],
    truth: Sequence[Hashable],
    sources: Sequence[str],
    *,
    across_sources: bool,
) -> Quality:
    """Compare clusters with the truth, record by record in the same order.

    With `across_sources` only pairs of records of different sources count.
    """
    both = list(zip(clusters, truth, strict=True))
    told = _pairs(clusters, sources, across_sources=across_sources)
    true = _pairs(truth, sources, across_sources=across_sources)
    right = _pairs(both, sources, across_sources=across_sources)
    cluster_sizes, truth_sizes, both_sizes = Counter(clusters), Counter(truth), Counter(both)
    count = max(len(both), 1)
    return Quality(
        precision=right / told if told else 1.0,
        recall=right / true if true else 1.0,
        bcubed_precision=sum(n * n / cluster_sizes[c] for (c, _), n in both_sizes.items()) / count,
        bcubed_recall=sum(n * n / truth_sizes[t] for (_, t), n in both_sizes.items()) / count,
        largest=max(cluster_sizes.values(), default=0),
        false_pairs=told - right,
        missed_pairs=true - right,
    )


def found_share(
    pairs: Iterable[Sequence[int]],
    truth: Sequence[Hashable],
    sources: Sequence[str],
    *,
    across_sources: bool,
) -> float:
    """Of all true pairs, those that are candidates at all; pairs are places of records."""
    true = _pairs(truth, sources, across_sources=across_sources)
    found = sum(
        truth[a] == truth[b] and not (across_sources and sources[a] == sources[b]) for a, b in pairs
    )
    return found / true if true else 1.0


def _pairs(labels: Sequence[Hashable], sources: Sequence[str], *, across_sources: bool) -> int:
    every = _within(labels)
    return every - _within(zip(labels, sources, strict=True)) if across_sources else every


def _within(labels: Iterable[Hashable]) -> int:
    return sum(size * (size - 1) // 2 for size in Counter(labels).values())


def _harmonic(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
