"""Term frequencies for non-matches: how common a value is among other people.

A value's raw count holds the pair under test and the record's own duplicates; both are taken out,
so that a rare value is not called common because its owner has many records.
"""

from collections.abc import Mapping

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


def frequencies_for_non_matches(
    counts: Mapping[str, int],
    *,
    match_share: float,
    m_exact: float,
    floor: int,
) -> TermFrequencies:
    """Frequencies from how many records have each value.

    `m_exact` is the chance that a match agrees on the value exactly.
    """
    seen = sum(counts.values())
    known = max(seen, 2)
    own_duplicates = max(match_share * (seen - 1) * m_exact - 1, 0.0)
    smallest = 0.5 / max(known, floor)
    frequencies = {
        value: max(count - 2 - own_duplicates, 0.0) / known + smallest
        for value, count in sorted(item for item in counts.items() if item[1] >= COUNT_MIN)
    }
    common = sum(frequency * counts[value] for value, frequency in frequencies.items())
    rare = sum(count for count in counts.values() if count < COUNT_MIN)
    mean = (common + rare * smallest) / seen if seen else smallest
    return TermFrequencies.of(frequencies, default=smallest, mean=mean)
