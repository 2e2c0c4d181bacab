"""One record's derived columns depend on its values and the spec, and on nothing else."""

from random import Random

import pytest

from services.identity.domain.kinds import Kind
from services.linkage.comparisons import comparisons_for
from services.linkage.features import FeatureSpec, derive
from services.linkage.levels import ComparisonKind
from services.linkage.survey import survey
from tests.linkage_factory import FIELDS, people

SPEC = FeatureSpec(fields=FIELDS)


def test_deriving_changes_nothing_and_repeats_itself() -> None:
    for values in people(50):
        before = dict(values)
        first = derive(values, SPEC)
        assert derive(values, SPEC) == first
        assert values == before


def test_results_are_not_shared_between_records() -> None:
    first = derive({"given_name": "Bob"}, SPEC)
    words = first["nk"]
    assert isinstance(words, list)
    words.append("changed")
    assert "changed" not in derive({"given_name": "Bob"}, SPEC)["nk"]


def test_every_derived_column_is_declared_and_ascii() -> None:
    columns = SPEC.columns
    for values in people(200):
        for name, value in derive(values, SPEC).items():
            assert columns[name] == isinstance(value, list)
            texts = value if isinstance(value, list) else [value]
            assert all(text and text.isascii() for text in texts), name


def test_nothing_known_gives_nothing() -> None:
    assert derive({}, SPEC) == {}


def test_the_street_number_belongs_to_the_first_address_line() -> None:
    values = {"street_number": "12", "address_line": "High Street", "address_line_2": "Flat 1"}
    found = derive(values, SPEC)
    assert found["a0"] == "12 high st"
    assert found["a1"] == "flat 1"
    assert "a0" not in derive({"street_number": "12"}, SPEC)


def test_places_organisations_and_identifiers_are_compared_too_and_texts_are_not() -> None:
    spec = FeatureSpec(
        fields=(
            ("shop", Kind.PLACE),
            ("firm", Kind.ORGANISATION),
            ("loyalty", Kind.IDENTIFIER),
            ("notes", Kind.TEXT),
            ("country", Kind.COUNTRY),
        )
    )
    kinds = {c.field: c.kind for c in comparisons_for(spec)}
    assert kinds == {
        "shop": ComparisonKind.CITY,
        "firm": ComparisonKind.CITY,
        "loyalty": ComparisonKind.ID,
    }


def test_a_survey_learns_the_same_in_any_order() -> None:
    records = people(80)
    shuffled = Random(5).sample(records, len(records))
    assert survey(records, FIELDS).spec == survey(shuffled, FIELDS).spec


def test_a_survey_learns_which_way_dates_are_written() -> None:
    fields = (("date_of_birth", Kind.DATE_OF_BIRTH),)
    records = [{"date_of_birth": "13/04/1980"}, {"date_of_birth": "05/04/1980"}]
    found = survey(records, fields)
    assert found.spec.day_first == {"date_of_birth"}
    assert [row["d0"] for row in found.features] == ["1980-04-13", "1980-04-05"]


@pytest.mark.parametrize(
    ("names", "compared"),
    [
        pytest.param(["Anna", "Bob"], {"given_name"}, id="no surname anywhere"),
        pytest.param(["Anna Muller"], {"given_name", "surname"}, id="two words"),
        pytest.param(
            ["Anna Luz Muller"], {"given_name", "surname", "rest_of_name"}, id="other words"
        ),
        pytest.param(
            ["Bob Smith Jr", "Bob Smith Sr"],
            {"given_name", "surname", "generation"},
            id="generations",
        ),
    ],
)
def test_only_what_the_records_have_is_compared(names: list[str], compared: set[str]) -> None:
    fields = (("full_name", Kind.FULL_NAME),)
    spec = survey([{"full_name": name} for name in names], fields).spec
    assert {c.field for c in comparisons_for(spec)} == compared


def test_long_values_are_compared_by_their_beginning() -> None:
    spec = FeatureSpec(fields=(("address_line", Kind.ADDRESS_LINE),))
    found = derive({"address_line": "x" * 100_000}, spec)
    assert len(found["a0"]) == 256
