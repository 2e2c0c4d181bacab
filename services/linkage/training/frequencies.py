"""Term frequencies for non-matches: how common a value is among other people.

A value's raw count holds the pair under test and the record's own duplicates; both are taken out,
so that a rare value is not called common because its owner has many records.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.linkage.levels import ComparisonKind
from services.linkage.term_frequencies import COUNT_MIN, TermFrequencies

FLOORS = {
    ComparisonKind.DATE_OF_BIRTH: 20_000,
    ComparisonKind.EMAIL: 20_000,
    ComparisonKind.PHONE: 20_000,
    ComparisonKind.ID: 20_000,
    ComparisonKind.ADDRESS: 20_000,
    ComparisonKind.POSTCODE: 2_000,
    ComparisonKind.GIVEN: 1_000,
    ComparisonKind.SURNAME: 1_000,
    ComparisonKind.MIDDLE: 200,
    ComparisonKind.CITY: 200,
}
"""0.5 / floor is the smallest frequency believed while the data are few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCounts:
    """How many records have each value: of those worth keeping which, of all others how many.

    `seen` is how many records have any value, `rare` how many of them a value that is not kept.
    """

    kept: Mapping[str, int]
    seen: int
    rare: int

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> "ValueCounts":
        kept = {value: count for value, count in counts.items() if count >= COUNT_MIN}
        seen = sum(counts.values())
        return cls(kept=kept, seen=seen, rare=seen - sum(kept.values()))


def frequencies_for_non_matches(
    counts: ValueCounts,
    *,
    match_share: float,
    m_exact: float,
    floor: int,
) -> TermFrequencies:
    """Frequencies from how many records have each value.

    `m_exact` is the chance that a match agrees on the value exactly.
    """
    seen = counts.seen
    known = max(seen, 2)
    own_duplicates = max(match_share * (seen - 1) * m_exact - 1, 0.0)
    smallest = 0.5 / max(known, floor)
    frequencies = {
        value: max(count - 2 - own_duplicates, 0.0) / known + smallest
        for value, count in sorted(counts.kept.items())
    }
    common = sum(frequency * counts.kept[value] for value, frequency in frequencies.items())
    mean = (common + counts.rare * smallest) / seen if seen else smallest
    return TermFrequencies.of(frequencies, default=smallest, mean=mean)
