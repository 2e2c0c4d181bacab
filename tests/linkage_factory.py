"""Invented people in several spellings, and a model made by counting: no training, no luck."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from services.identity.domain.kinds import Kind
from services.identity.domain.weights import Kinship
from services.linkage.comparisons import Comparison, comparisons_for
from services.linkage.features import Features, FeatureSpec
from services.linkage.model import LinkageModel
from services.linkage.survey import survey
from services.linkage.term_frequencies import COUNT_MIN, TermFrequencies
from services.linkage.training.pairs import Coded

FIELDS = (
    ("given_name", Kind.GIVEN_NAME),
    ("middle_name", Kind.MIDDLE_NAME),
    ("surname", Kind.SURNAME),
    ("suffix", Kind.SUFFIX),
    ("date_of_birth", Kind.DATE_OF_BIRTH),
    ("street_number", Kind.STREET_NUMBER),
    ("address_line", Kind.ADDRESS_LINE),
    ("address_line_2", Kind.ADDRESS_LINE),
    ("city", Kind.CITY),
    ("postcode", Kind.POSTCODE),
    ("email", Kind.EMAIL),
    ("phone", Kind.PHONE),
    ("national_id", Kind.NATIONAL_ID),
    ("gender", Kind.GENDER),
    ("plan", Kind.CATEGORY),
)
_GIVEN = (
    "Robert",
    "Bob",
    "Anna",
    "Annie",
    "Anita",
    "Søren",
    "Elizabeth",
    "Liz",
    "J",
    "Иван",
    "Maria Luz",
)
_SURNAMES = (
    "Müller",
    "Muller",
    "O'Neil",
    "Smith",
    "Smyth",
    "Smithers",
    "Robert",
    "van der Berg",
    "Петров",
    "S",
)
_STREETS = ("High Street", "Mill Lane", "P.O. Box", "Église Road", "Mil Lane", "Old Mill Lane")
_CITIES = ("Aberdeen", "Aberdeem", "Zürich", "Bath")


def person(**values: str) -> dict[str, str]:
    """A record's values; only what the case is about."""
    return {"given_name": "Anna", "surname": "Muller"} | values


def people(count: int, *, seed: int = 1) -> list[dict[str, str]]:
    """Records with typos, swaps and gaps. Pools are small, so that every level happens."""
    random = Random(seed)
    return [_someone(random) for _ in range(count)]


def _someone(random: Random) -> dict[str, str]:
    day, month, year = (
        random.choice((2, 3, 12, 23)),
        random.choice((2, 3, 12)),
        random.choice((1980, 1981, 1993)),
    )
    given, surname = random.choice(_GIVEN), random.choice(_SURNAMES)
    if random.random() < 0.1:
        given, surname = surname, given
    values = {
        "given_name": given,
        "middle_name": random.choice(("Lee", "L", "Leigh", "Jo")),
        "surname": surname,
        "suffix": random.choice(("Jr.", "III", "none")),
        "date_of_birth": random.choice((f"{year}-{month:02}-{day:02}", f"{day}/{month}/{year}")),
        "street_number": random.choice(("1", "2", "1482")),
        "address_line": random.choice(_STREETS),
        "address_line_2": random.choice(
            ("Flat 1", "1 Mill Lane", "2 Mill Lane West", "Mill Lane", "3 Oak")
        ),
        "city": random.choice(_CITIES),
        "postcode": random.choice(("AB1 2CD", "AB1 2CE", "AB1 9ZZ", "XY9 8ZW")),
        "email": f"{random.choice(('bob', 'bobby', 'anna.muller', 'ann.smith'))}"
        f"@{random.choice(('example.org', 'mail.example.org'))}",
        "phone": " ".join(
            (
                random.choice(("+44 20", "0121")),
                random.choice(("7940", "7941", "8620")),
                random.choice(("0110", "0111", "0987")),
            )
        ),
        "national_id": f"QQ {random.choice((100, 101, 110, 123, 845))} C",
        "gender": random.choice(("male", "F", "unknown")),
        "plan": random.choice(("gold", "silver", "zoë")),
    }
    return {name: value for name, value in values.items() if random.random() < 0.85}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Derived records and a model whose numbers are plausible, fixed, and all different."""

    spec: FeatureSpec
    features: Sequence[Features]
    model: LinkageModel
    frequencies: Mapping[str, Mapping[str, float]]
    """Column -> value -> frequency, of every value: what a model keeps as hashes."""


def known(records: Sequence[Mapping[str, str]] | None = None) -> Known:
    found = survey(records or people(100), FIELDS)
    features = list(found.features)
    comparisons = tuple(_with_u(c, place) for place, c in enumerate(comparisons_for(found.spec)))
    columns = [x.tf_column for c in comparisons for x in c.levels if x.tf_column is not None]
    counts = {c: _counts(features, c) for c in columns}
    frequencies = {
        column: {
            value: count / count_all if count >= COUNT_MIN else _rare(place)
            for value, count in counts[column].items()
        }
        for place, column in enumerate(columns)
        if (count_all := counts[column].total())
    }
    terms = {
        column: TermFrequencies.of(
            {v: f for v, f in of.items() if counts[column][v] >= COUNT_MIN},
            default=_rare(columns.index(column)),
            mean=0.01 + columns.index(column) / 1000,
        )
        for column, of in frequencies.items()
    }
    model = LinkageModel(
        spec=found.spec,
        comparisons=comparisons,
        prior_weight=-9.5,
        kinship=Kinship(household=1e-3),
        term_frequencies=terms,
        keys=(("s", "d0"), ("tt", "d0y"), ("t", "p0"), ("e0",), ("f07",)),
    )
    return Known(spec=found.spec, features=features, model=model, frequencies=frequencies)


def _with_u(comparison: Comparison, place: int) -> Comparison:
    raw = np.arange(1, len(comparison.levels) + 1, dtype=float) ** 2 + place
    return comparison.with_probabilities(u=tuple((raw / raw.sum()).tolist()))


def _counts(features: Sequence[Features], column: str) -> Counter[str]:
    values = (row.get(column) for row in features)
    return Counter(value for value in values if isinstance(value, str))


def _rare(place: int) -> float:
    return (1 + place) / 10_000


def code_values(values: Sequence[str | None]) -> Coded:
    """Values numbered in the order of their first row; None has no value."""
    return code_lists([[] if value is None else [value] for value in values])


def code_lists(lists: Sequence[Sequence[str]]) -> Coded:
    """The same for several values a row."""
    numbers: dict[str, int] = {}
    rows = [row for row, values in enumerate(lists) for _ in values]
    codes = [numbers.setdefault(value, len(numbers)) for values in lists for value in values]
    return Coded(rows=np.array(rows, dtype=np.int64), codes=np.array(codes, dtype=np.int64))
