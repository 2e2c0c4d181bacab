"""Term frequencies for non-matches: how common a value is among other people.

A value's raw count holds the pair under test and the record's own duplicates; both are taken out,
so that a rare value is not called common because its owner has many records.
"""

from collections import Counter
from collections.abc import Iterable

from services.linkage.levels import ComparisonKind

COUNT_MIN = 3  # fewer occurrences tell no more than the floor

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


def frequencies_for_non_matches(
    values: Iterable[str], *, match_share: float, m_exact: float, floor: int
) -> tuple[dict[str, float], float, float]:
    """The frequency of every value seen COUNT_MIN times, the one of all others, and the mean.

    The mean is over records. `m_exact` is the chance that a match agrees on the value exactly.
    """
    counts = Counter(values)
    known = max(sum(counts.values()), 2)
    own_duplicates = max(match_share * (known - 1) * m_exact - 1, 0.0)
    smallest = 0.5 / max(known, floor)
    frequencies = {
        value: max(count - 2 - own_duplicates, 0.0) / known + smallest
        for value, count in counts.items()
        if count >= COUNT_MIN
    }
    total = sum(frequencies[value] * counts[value] for value in sorted(frequencies))
    rare = sum(count for count in counts.values() if count < COUNT_MIN)
    mean = (total + rare * smallest) / known
    return dict(sorted(frequencies.items())), smallest, mean
