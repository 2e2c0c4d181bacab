"""Invented sets of the first hour: each holds other columns than customers have."""

from collections.abc import Mapping
from random import Random

from faker import Faker

from services.linkage.training.customer import FIELDS as CUSTOMER_FIELDS
from services.linkage.training.customer import customer_records
from tests.quality.labelled import LabelledSet, labelled


def names_and_dates(people: int = 2_500, *, floor: float) -> LabelledSet:
    """Two records a person, of which nothing is known but names and a birth date."""
    columns = {"first": "given_name", "last": "surname", "born": "date_of_birth"}
    rng, fake = _sources_of_chance(41)
    rows = []
    for person in range(people):
        row = {
            "first": fake.first_name(),
            "last": fake.last_name(),
            "born": fake.date_of_birth(minimum_age=18, maximum_age=95).isoformat(),
        }
        rows += [(person, row), (person, _worn(row, rng, missing=0.03, slip=0.12))]
    return labelled("names and dates", rows, columns, floor=floor)


def register(people: int = 1_800, *, floor: float) -> LabelledSet:
    """A register without addresses: occupation, birth place, passport; one to four records."""
    columns: dict[str, object] = {
        "name": "full_name",
        "born": "date_of_birth",
        "occupation": "category",
        "birth_place": "place",
        "passport": {"kind": "identifier", "type": "passport"},
        "sex": "gender",
    }
    rng, fake = _sources_of_chance(42)
    places = [fake.city() for _ in range(150)]
    occupations = [fake.job() for _ in range(60)]
    rows = []
    for person in range(people):
        sex = rng.choice("mf")
        first = fake.first_name_male() if sex == "m" else fake.first_name_female()
        row = {
            "name": f"{first} {fake.last_name()}",
            "born": fake.date_of_birth(minimum_age=18, maximum_age=95).strftime("%d/%m/%Y"),
            "occupation": rng.choice(occupations),
            "birth_place": places[min(int(rng.expovariate(0.03)), 149)],
            "passport": "".join(rng.choice("0123456789") for _ in range(9)),
            "sex": sex,
        }
        for _ in range(rng.choice((1, 2, 2, 3, 4))):
            kept = {name: value for name, value in row.items() if rng.random() < 0.9}
            rows.append((person, _worn(kept, rng, missing=0.1, slip=0.1)))
    return labelled("register", rows, columns, floor=floor)


def _sources_of_chance(seed: int) -> tuple[Random, Faker]:
    fake = Faker("en_US")
    fake.seed_instance(seed)
    return Random(seed), fake


def _worn(row: Mapping[str, str], rng: Random, *, missing: float, slip: float) -> dict[str, str]:
    """What is left of a row after copying: values missing, one character wrong."""
    worn = {}
    for name, value in row.items():
        if rng.random() < missing:
            continue
        place = rng.randrange(len(value))
        wrong = rng.choice("0123456789" if value[place].isdigit() else "aeilnorst")
        change = rng.random() < slip and value[place].isalnum() and len(value) > 2
        worn[name] = value[:place] + wrong + value[place + 1 :] if change else value
    return worn


def worn_register(people: int = 500, *, floor: float) -> LabelledSet:
    """Long clusters: five to twenty records a person, half the fields missing or wrong."""
    columns = {
        "first": "given_name",
        "last": "surname",
        "born": "date_of_birth",
        "street": "address_line",
        "city": "city",
        "zip": "postcode",
        "birth_place": "place",
        "occupation": "category",
    }
    rng, fake = _sources_of_chance(44)
    places = [fake.city() for _ in range(80)]
    occupations = [fake.job() for _ in range(60)]
    rows = []
    for person in range(people):
        row = {
            "first": fake.first_name(),
            "last": fake.last_name(),
            "born": fake.date_of_birth(minimum_age=18, maximum_age=95).isoformat(),
            "street": fake.street_address(),
            "city": rng.choice(places),
            "zip": fake.postcode(),
            "birth_place": rng.choice(places),
            "occupation": rng.choice(occupations),
        }
        rows += [
            (person, _worn(row, rng, missing=0.3, slip=0.2)) for _ in range(rng.randrange(5, 21))
        ]
    return labelled("worn register", rows, columns, floor=floor)


def customers(people: int = 2_000, *, floor: float) -> LabelledSet:
    """What four channels know of invented customers, households among them."""
    records, truth = [], {}
    half = people // 2
    for person, record in customer_records({"en_GB": half, "en_US": half}, seed=43):
        records.append(record)
        truth[record.key] = str(person)
    return LabelledSet(
        name="customers", records=tuple(records), truth=truth, fields=CUSTOMER_FIELDS, floor=floor
    )
