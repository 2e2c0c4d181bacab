"""The silo report: what the channels count, who was joined, and how near that is to the truth."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.cli.demo.population import Entry
from services.identity.domain.ids import RecordKey

CHANNELS = ("web", "app", "calls", "billing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Fractions over all true pairs; a pair that nothing looked at counts as missed."""

    precision: float
    recall: float
    bcubed_precision: float
    bcubed_recall: float
    false_pairs: int
    missed_pairs: int

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def measure(told: Sequence[Hashable], truth: Sequence[Hashable]) -> Quality:
    """Clusters against the truth, record by record in one order."""
    both = Counter(zip(told, truth, strict=True))
    told_sizes, true_sizes = Counter(told), Counter(truth)
    right, told_pairs, true_pairs = (
        _pairs(sizes.values()) for sizes in (both, told_sizes, true_sizes)
    )
    count = max(len(told), 1)
    return Quality(
        precision=right / told_pairs if told_pairs else 1.0,
        recall=right / true_pairs if true_pairs else 1.0,
        bcubed_precision=sum(n * n / told_sizes[c] for (c, _), n in both.items()) / count,
        bcubed_recall=sum(n * n / true_sizes[t] for (_, t), n in both.items()) / count,
        false_pairs=told_pairs - right,
        missed_pairs=true_pairs - right,
    )


def silo_report(entries: Sequence[Entry], profiles: Mapping[RecordKey, str]) -> dict[str, Any]:
    """`profiles`: of each record that was resolved, the profile in which it stands.

    A record that stands nowhere counts as one by itself.
    """
    person_of = {entry.record: entry.person for entry in entries}
    records = sorted(person_of)
    told = [profiles.get(record) or repr(record) for record in records]
    quality = measure(told, [person_of[record] for record in records])
    channels: dict[int, set[str]] = defaultdict(set)
    for record, person in person_of.items():
        channels[person].add(record.source)
    by_count = Counter(len(each) for each in channels.values())
    by_channel = Counter(record.source for record in records)
    return {
        "records": len(records),
        "records_by_channel": {name: by_channel[name] for name in CHANNELS},
        "records_resolved": sum(record in profiles for record in records),
        "people": len(channels),
        "people_by_channel_count": {str(n): by_count[n] for n in range(1, len(CHANNELS) + 1)},
        "people_in_two_or_more_channels": sum(n for k, n in by_count.items() if k > 1),
        "profiles": len(set(told)),
        "largest_profile": max(Counter(told).values(), default=0),
        "precision": round(quality.precision, 6),
        "recall": round(quality.recall, 6),
        "f1": round(quality.f1, 6),
        "bcubed_precision": round(quality.bcubed_precision, 6),
        "bcubed_recall": round(quality.bcubed_recall, 6),
        "false_pairs": quality.false_pairs,
        "missed_pairs": quality.missed_pairs,
    }


def _pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)
