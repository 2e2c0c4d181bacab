"""Training from outside: what it learns does not hang on order, and bad input never harms."""

from collections.abc import Iterator, Mapping
from random import Random

import pytest

from services.identity.domain.errors import UsageError
from services.identity.domain.kinds import Kind
from services.linkage.model import LinkageModel
from services.linkage.training.records import TrainingRecord
from services.linkage.training.train import train

FIELDS = (
    ("given_name", Kind.GIVEN_NAME),
    ("surname", Kind.SURNAME),
    ("date_of_birth", Kind.DATE_OF_BIRTH),
    ("email", Kind.EMAIL),
)
GIVEN = ("Ada", "Bela", "Cora", "Dora", "Egon", "Fritz", "Gerd", "Hugo", "Ines", "Jana")
SURNAMES = ("Abel", "Bauer", "Conrad", "Daume", "Ebert", "Fuchs", "Gruber", "Haupt")


def base(people: int, *, seed: int = 1) -> list[TrainingRecord]:
    """Two records a person; in the second a field is missing now and then, or one letter wrong."""
    rng = Random(seed)
    records = []
    for person in range(people):
        given, surname = rng.choice(GIVEN), rng.choice(SURNAMES)
        born = f"{rng.randrange(1940, 2000)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
        values = {
            "given_name": given,
            "surname": surname,
            "date_of_birth": born,
            "email": f"{given}{person}@example.org",
        }
        second = {name: value for name, value in values.items() if rng.random() < 0.85}
        if "given_name" in second and rng.random() < 0.2:
            second["given_name"] = given[:-1] + "x"
        records += [record(f"{person}a", values), record(f"{person}b", second)]
    return records


def record(key: str, values: Mapping[str, str], *, source: str = "one") -> TrainingRecord:
    return TrainingRecord.of(key=key, source=source, values=values)


def weight_of_agreement(model: LinkageModel, field: str) -> float:
    comparison = next(c for c in model.comparisons if c.field == field)
    return comparison.m[0] / comparison.u[0]


def test_the_order_of_the_records_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # Few pairs are drawn, so that a draw from rows in another order would be another draw.
    monkeypatch.setattr("services.linkage.training.learn.RANDOM_PAIRS_MAX", 5_000)
    records = base(150)
    first = train(records, FIELDS)
    shuffled = list(records)
    Random(9).shuffle(shuffled)
    assert train(shuffled, FIELDS).model.to_json() == first.model.to_json()


def test_a_model_finds_its_own_matches() -> None:
    trained = train(base(300), FIELDS)
    assert trained.model.keys
    assert trained.report["records"] == 600
    assert 250 <= trained.report["rounds"][-1]["clusters"] <= 350
    assert weight_of_agreement(trained.model, "date_of_birth") > 100


def test_how_many_records_are_alone_is_learned() -> None:
    strangers = base(300)
    couples = train(strangers, FIELDS).model
    alone = train([each for each in strangers if each.key.endswith("a")], FIELDS).model
    assert couples.alone_share < 0.2
    assert alone.alone_share > 0.9


def patients(families: int) -> Iterator[tuple[str, Mapping[str, str]]]:
    """People and their children, of one telephone and doctor and mostly of one policy."""
    rng = Random(5)
    for family in range(families):
        shared = {
            "surname": f"{rng.choice(SURNAMES)}{rng.choice(('', 'mann', 'er', 'sen'))}",
            "phone": f"0170{family:07}",
            "doctor": f"Dr {rng.choice('ABCDEFGHIJKLMNOPQRST')}",
        }
        for member, given in enumerate(rng.sample(GIVEN, rng.choice((1, 1, 2, 4)))):
            born = f"{rng.randrange(1940, 2000)}-0{rng.randrange(1, 10)}-{rng.randrange(10, 29)}"
            number = family if rng.random() < 0.8 else 1_000 * member + family
            own = {"date_of_birth": born, "policy": f"{number * 7_919 + 10**7}", **shared}
            for visit in range(rng.choice((1, 2, 3, 4))):
                told = {name: text for name, text in own.items() if rng.random() < 0.75}
                slip = rng.random() < 0.2
                yield f"{family}-{member}-{visit}", told | {"given_name": given[slip:]}


def test_relatives_of_one_doctor_are_no_match_for_it() -> None:
    """Taken for one person's, their doctor taught that people change their names and ages."""
    records = [record(key, values) for key, values in patients(120)]
    more = ("policy", Kind.NATIONAL_ID), ("phone", Kind.PHONE), ("doctor", Kind.CATEGORY)
    trained = train(records, (*FIELDS, *more))
    people = len({each.key.rpartition("-")[0] for each in records})
    assert "k0" in trained.model.contact_shares
    assert trained.report["rounds"][-1]["clusters"] == pytest.approx(people, rel=0.05)


def test_the_report_names_no_value() -> None:
    text = repr(train(base(50), FIELDS).report)
    assert not any(name in text for name in (*GIVEN, *SURNAMES, "example.org"))


@pytest.mark.parametrize(
    ("records", "fields"),
    [
        pytest.param([], FIELDS, id="nothing"),
        pytest.param([record("a", {"email": "a@example.org"})], FIELDS, id="one record"),
        pytest.param([record("a", {}), record("b", {})], FIELDS, id="all null"),
        pytest.param(
            [record("a", {"note": "x"}), record("b", {"note": "y"})],
            (("note", Kind.TEXT),),
            id="no kind that matches",
        ),
        pytest.param(
            [record("a", {"street_number": "1"}), record("b", {"street_number": "1"})],
            (("street_number", Kind.STREET_NUMBER),),
            id="nothing to compare by",
        ),
        pytest.param(
            [record("a", {"email": "x"}), record("a", {"email": "y"})], FIELDS, id="twice"
        ),
    ],
)
def test_where_there_is_nothing_to_learn_it_says_so(
    records: list[TrainingRecord], fields: tuple[tuple[str, Kind], ...]
) -> None:
    with pytest.raises(UsageError):
        train(records, fields)


def test_two_records_give_a_careful_model() -> None:
    values = {"given_name": "Ada", "surname": "Abel", "email": "ada@example.org"}
    model = train([record("a", values), record("b", values)], FIELDS).model
    assert model.prior_weight <= -2
    assert model.kinship.household > 0


def test_a_constant_column_is_worth_nothing() -> None:
    records = [
        record(r.key, {**r.values, "tier": "gold", "email": "shop@example.org"}) for r in base(100)
    ]
    trained = train(records, (*FIELDS, ("tier", Kind.CATEGORY)))
    assert weight_of_agreement(trained.model, "tier") == pytest.approx(1.0, abs=0.15)
    assert weight_of_agreement(trained.model, "email") == pytest.approx(1.0, abs=0.4)
    assert not any("k0" in key or "e0" in key for key in trained.model.keys)


def test_a_column_that_is_always_null_does_no_harm() -> None:
    trained = train(base(100), (*FIELDS, ("phone", Kind.PHONE)))
    assert 90 <= trained.report["rounds"][-1]["clusters"] <= 115


@pytest.mark.slow
def test_a_hundred_columns_are_bounded_work() -> None:
    names = [f"trait_{number}" for number in range(96)]
    records = []
    for r in base(60):
        rng = Random(r.key[:-1])  # a person's traits are the same in both records
        records.append(record(r.key, {**r.values, **{name: rng.choice("abcd") for name in names}}))
    fields = (*FIELDS, *((name, Kind.CATEGORY) for name in names))
    trained = train(records, fields)
    assert len(trained.model.comparisons) == 100
    assert 0 < len(trained.model.keys) <= 20


def test_two_records_of_a_source_declared_unique_never_match() -> None:
    records = base(100)
    trained = train(records, FIELDS, unique_sources=frozenset({"one"}))
    assert trained.report["rounds"][-1]["clusters"] == len(records)
    assert trained.report["pairs_per_record"] == 0


def test_a_sample_of_whole_groups_gives_nearly_the_same_model() -> None:
    records = base(400)
    whole = train(records, FIELDS).model
    part = train(records, FIELDS, records_max=400)
    assert part.report["records_trained_on"] <= 400
    assert part.model.prior_weight == pytest.approx(whole.prior_weight, abs=1.0)
    for field in ("surname", "given_name", "date_of_birth"):
        assert weight_of_agreement(part.model, field) == pytest.approx(
            weight_of_agreement(whole, field), rel=0.8
        )


def test_a_value_that_the_sample_left_out_is_as_common_as_in_the_base() -> None:
    records = base(400)
    terms = train(records, FIELDS, records_max=300).model.term_frequencies["s"]
    for frequency in terms.of_values([name.lower() for name in SURNAMES]):
        assert frequency == pytest.approx(1 / len(SURNAMES), rel=0.5)


def test_a_model_for_a_larger_base_joins_less() -> None:
    """A record there has a hundred times as many strangers, and no more others of its person."""
    records = base(150)
    here = train(records, FIELDS).model
    there = train(records, FIELDS, base_size=100 * len(records))
    assert there.model.prior_weight == pytest.approx(here.prior_weight - 6.64, abs=0.05)
    assert there.model.kinship.household == pytest.approx(here.kinship.household / 100)
    assert weight_of_agreement(there.model, "email") == weight_of_agreement(here, "email")
    assert there.report["base_size"] == 100 * len(records)


def test_a_base_smaller_than_its_records_is_refused() -> None:
    with pytest.raises(UsageError, match="300 records already"):
        train(base(150), FIELDS, base_size=299)
