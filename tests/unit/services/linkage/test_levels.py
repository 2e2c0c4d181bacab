"""The level a pair of records reaches, comparison by comparison, in Splink's SQL on DuckDB."""

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np
import pytest

from services.identity.domain.kinds import Kind
from services.identity.domain.weights import Kinship
from services.linkage.comparisons import comparisons_for
from services.linkage.features import FeatureSpec, derive
from services.linkage.model import LinkageModel
from services.linkage.score import PairScorer
from tests.linkage_factory import FIELDS

SPEC = FeatureSpec(fields=(*FIELDS, ("full_name", Kind.FULL_NAME)), has_rest=True)
Values = Mapping[str, str]


class Level(Protocol):
    def __call__(self, left: Values, right: Values, *, field: str) -> str | None: ...


COMPARISONS = comparisons_for(SPEC)
MODEL = LinkageModel(
    spec=SPEC,
    comparisons=COMPARISONS,
    prior_weight=-10.0,
    kinship=Kinship(household=0.0),
    term_frequencies={},
    keys=(),
)

CASES = [
    ("surname", "Müller", "Muller", "exact"),
    ("surname", "Müller", "Mullar", "close"),
    ("surname", "Smith", "S", "initial"),
    ("surname", "Smith", "Müller", "different"),
    ("surname", "Иванов", "Ivanov", "exact"),
    ("surname", "王", "Wang", None),
    ("given_name", "Robert", "Bob", "nickname"),
    ("given_name", "Robert", "B", "initial"),
    ("given_name", "Anna", "Anan", "close"),
    ("given_name", "Anna", "Robert", "different"),
    ("date_of_birth", "1980-04-05", "1980-04-05", "exact"),
    ("date_of_birth", "1980-04-05", "1981-04-05", "year one edit apart"),
    ("date_of_birth", "1980-04-05", "1980-04-15", "one edit apart"),
    ("date_of_birth", "1980-04-05", "1980-05-04", "day and month swapped"),
    ("date_of_birth", "1980-04-05", "1980-04-23", "year and month or day"),
    ("date_of_birth", "1980-04-05", "1957-04-05", "month and day"),
    ("date_of_birth", "1980-04-05", "1981-05-04", "two edits apart"),
    ("date_of_birth", "1980-04-05", "1980-12-23", "year"),
    ("date_of_birth", "1980-04-05", "1957-12-23", "different"),
    ("date_of_birth", "1980", "1980-12-23", "year"),
    ("postcode", "AB1 2CD", "AB1 2DC", "one edit apart"),
    ("postcode", "AB1 2CD", "AB1 9ZZ", "area"),
    ("city", "Aberdeen", "Abredeen", "close"),
    ("email", "bob@example.org", "bob@mail.example.org", "same user"),
    ("email", "anna.muller@example.org", "ana.muler@example.org", "close"),
    ("phone", "020 7946 0123", "0121 946 0123", "last seven digits"),
    ("phone", "020 7946 0123", "020 7946 0132", "one edit apart"),
    ("address_line", "12 High Street West", "12 West High St", "number and words"),
    ("address_line", "12 High Street", "14 High Street", "close"),
    ("address_line", "1 High Street", "1482 High Street", "street"),
    ("national_id", "QQ 123 456", "QQ 123 465", "one edit apart"),
    ("plan", "gold", "Gold", "exact"),
    ("gender", "female", "male", "different"),
    ("middle_name", "Leigh", "L", "initial"),
]


@pytest.fixture(scope="module")
def level() -> Iterator[Level]:
    """The level of one field; the table is made once, its records come and go."""

    def level(left: Values, right: Values, *, field: str) -> str | None:
        place = next(n for n, c in enumerate(COMPARISONS) if c.field == field)
        rows = [derive(left, SPEC), derive(right, SPEC)]
        gamma = int(scorer.gammas(rows, np.array([0]), np.array([1]))[0, place])
        return None if gamma < 0 else COMPARISONS[place].levels[gamma].label

    scorer = PairScorer(MODEL)
    yield level
    scorer.close()


@pytest.mark.parametrize(
    ("field", "left", "right", "expected"),
    CASES,
    ids=[f"{field} {expected} {number}" for number, (field, _, _, expected) in enumerate(CASES)],
)
def test_a_pair_reaches_the_level(
    level: Level, field: str, left: str, right: str, expected: str | None
) -> None:
    assert level({field: left}, {field: right}, field=field) == expected
    assert level({field: right}, {field: left}, field=field) == expected


def test_swapped_names_are_found_elsewhere_in_the_name(level: Level) -> None:
    right = {"given_name": "Thomas", "surname": "Weber"}
    swapped = {"given_name": "Weber", "surname": "Thomas"}
    assert level(right, swapped, field="given_name") == "elsewhere in the name"
    assert level(right, swapped, field="surname") == "elsewhere in the name"


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        ("MOORE, Karl", "elsewhere in the name"),
        ("MOORE, Kalr", "elsewhere in the name"),
        ("MOORE, K.", "elsewhere in the name"),
        ("MOORE, Kathy", "different"),
        ("MORRIS, Karl", "different"),
    ],
)
def test_names_are_swapped_only_where_both_of_them_are(
    level: Level, right: str, expected: str
) -> None:
    """One family written surname first: the initial of another given name is no swap."""
    for field in ("given_name", "surname"):
        assert level({"full_name": "MOORE KARL"}, {"full_name": right}, field=field) == expected


def test_other_words_of_a_name_are_compared_with_all_words(level: Level) -> None:
    left, right = {"full_name": "Ana Vega Ruiz"}, {"full_name": "Ana Ruiz Vega"}
    assert level(left, right, field="rest_of_name") == "elsewhere in the name"
    assert level(left, left, field="rest_of_name") == "same words"


def test_a_missing_value_is_no_level(level: Level) -> None:
    assert level({}, {"city": "Bath"}, field="city") is None


@pytest.mark.parametrize(
    ("left", "right", "same", "other"),
    [
        ("whitfield44@example.org", "whitfield71@example.org", "different", "close"),
        ("whitfield.harold@example.org", "whitfield.jane@example.com", "different", "similar user"),
        ("whitfield44@example.org", "whitfield45@example.org", "close", "close"),
        ("whitfield44@example.org", "whitfield44@example.com", "same user", "same user"),
    ],
)
def test_two_addresses_made_of_one_name_are_alike_only_by_a_slip(
    level: Level, left: str, right: str, same: str, other: str
) -> None:
    """As evidence beside the name; where the names differ, or say nothing, it is likeness."""
    name = {"given_name": "Ann", "surname": "Whitfield"}
    assert level({**name, "email": left}, {**name, "email": right}, field="email") == same
    assert level({**name, "email": left}, {"email": right}, field="email") == other
