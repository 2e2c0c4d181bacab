"""Labelled sets in which most of what looks alike is not one person."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from tests.quality.labelled import LabelledSet, fields_of, labelled, mapping_of, record_of
from tests.quality.town import Resident, Town

Rows = Iterator[tuple[object, Mapping[str, str]]]

_PLAIN = {
    "first": "given_name",
    "last": "surname",
    "born": "date_of_birth",
    "street": "address_line",
    "town": "city",
    "zip": "postcode",
}
_CUSTOMER = {**_PLAIN, "phone": "phone", "email": "email"}


def _plain(town: Town, person: Resident) -> dict[str, str]:
    home = person.former if person.former and town.chance(0.3) else person.home
    return {
        "first": person.given,
        "last": person.surname,
        "born": person.born.isoformat(),
        "street": f"{home.number} {home.street}",
        "town": home.city,
        "zip": home.postcode,
    }


def _customer(town: Town, person: Resident, *, family_email: str = "") -> dict[str, str]:
    return {
        **_plain(town, person),
        "phone": person.home.phone if town.chance(0.4) else person.mobile,
        "email": family_email if family_email and town.chance(0.4) else person.email,
    }


def telecom(people: int = 2_000, *, floor: float) -> LabelledSet:
    """Households with one line, twins, fathers and sons of one name, namesakes born days apart."""
    town = Town(seed=201, twins=0.3, same_name=0.3)

    def rows() -> Rows:
        crowd = list(_with_namesakes(town, people))
        for number, person in enumerate(crowd):
            family = f"{person.surname.lower()}.{person.home.number}@example.org"
            for _ in range(town.rng.choice((1, 1, 2, 3))):
                row = _customer(town, person, family_email=family)
                if person.maiden and town.chance(0.2):
                    row["last"] = person.maiden
                yield number, town.worn(row, missing=0.15, slip=0.05)

    return labelled("telecom", rows(), _CUSTOMER, floor=floor)


def _with_namesakes(town: Town, people: int) -> Iterator[Resident]:
    for person in town.residents(people):
        yield person
        if town.chance(0.1):  # someone else of that name, born within a month, in another street
            near = timedelta(days=town.rng.randrange(1, 30))
            stranger = town.person(town.home(), person.surname, age=30, sex=person.sex)
            yield replace(stranger, given=person.given, born=person.born + near)


def no_duplicates(people: int = 2_500, *, floor: float) -> LabelledSet:
    """Every record is someone else, households and all: nothing may be joined."""
    town = Town(seed=202, twins=0.1, same_name=0.1)

    def rows() -> Rows:
        for person in town.residents(people):
            yield person.number, town.worn(_customer(town, person), missing=0.1, slip=0.02)

    found = labelled("no duplicates", rows(), _CUSTOMER, floor=floor)
    return replace(found, floor_bcubed=0.999)  # there is no pair to find


def copies(people: int = 1_500, *, floor: float) -> LabelledSet:
    """Three rows in ten are copied to the letter; a few others differ by a slip."""
    town = Town(seed=203)

    def rows() -> Rows:
        for person in town.residents(people):
            row = _customer(town, person)
            yield person.number, row
            if town.chance(0.4):
                yield person.number, row
            if town.chance(0.1):
                yield person.number, town.worn(row, missing=0.1, slip=0.2)

    return labelled("copies", rows(), _CUSTOMER, floor=floor)


def tiny(people: int = 80, *, floor: float) -> LabelledSet:
    """So few records that nothing is common."""
    town = Town(seed=204, twins=0.2, same_name=0.2)

    def rows() -> Rows:
        for person in town.residents(people):
            for _ in range(town.rng.choice((1, 1, 2, 3))):
                row = _customer(town, person)
                yield person.number, town.worn(row, missing=0.1, slip=0.1)

    return labelled("tiny", rows(), _CUSTOMER, floor=floor)


def wrong_values(people: int = 250, *, floor: float) -> LabelledSet:
    """About ten records a person; of every field a quarter is missing, a quarter someone else's."""
    town = Town(seed=205, locale="en_US")

    def rows() -> Rows:
        crowd = town.residents(people)
        for person in crowd:
            for _ in range(town.rng.randrange(6, 15)):
                row = {**_customer(town, person), "job": person.occupation}
                other = {**_customer(town, town.rng.choice(crowd)), "job": "clerk"}
                mixed = {name: other[name] if town.chance(0.2) else row[name] for name in row}
                yield person.number, town.worn(mixed, missing=0.25, slip=0.06)

    return labelled("wrong values", rows(), {**_CUSTOMER, "job": "category"}, floor=floor)


def companies(people: int = 1_200, *, floor: float) -> LabelledSet:
    """A debtor file: people and firms in one name column, one address, phone and e-mail."""
    columns = {
        "name": "full_name",
        "street": "address_line",
        "town": "city",
        "zip": "postcode",
        "phone": "phone",
        "email": "email",
    }
    town = Town(seed=206, twins=0.05)

    def rows() -> Rows:
        for person in town.residents(people):
            for _ in range(town.rng.choice((1, 1, 2, 3))):
                row = _customer(town, person)
                row["name"] = f"{row.pop('first')} {row.pop('last')}"
                del row["born"]
                yield f"p{person.number}", town.worn(row, missing=0.1, slip=0.05)
        for number in range(people // 3):
            kind = town.rng.choice(("Ltd", "plc", "& Sons", "Group", "Services Ltd"))
            name, home = f"{town.fake.last_name()} {kind}", town.home()
            for _ in range(town.rng.choice((1, 1, 2, 3))):
                row = {
                    "name": name.replace("Ltd", "Limited") if town.chance(0.3) else name,
                    "street": f"{home.number} {home.street}",
                    "town": home.city,
                    "zip": home.postcode,
                    "phone": home.phone,
                    "email": f"{town.rng.choice(('info', 'office', 'sales'))}@"
                    f"{name.split(maxsplit=1)[0].lower()}{number}.example.org",
                }
                yield f"c{number}", town.worn(row, missing=0.15, slip=0.04)

    return labelled("companies", rows(), columns, floor=floor)


def two_sources(people: int = 1_800, *, floor: float) -> LabelledSet:
    """A CRM that holds everybody once, and invoices with other columns, several a person."""
    crm = mapping_of(
        {"name": "full_name", "email": "email", "mobile": "phone", "firm": "organisation"}
    )
    bills = mapping_of({**_PLAIN, "phone": "phone", "email": "email"})
    town = Town(seed=207, twins=0.05, same_name=0.05)
    records, truth = [], {}
    for person in town.residents(people):
        if town.chance(0.7):
            row = {
                "name": f"{person.called if town.chance(0.3) else person.given} {person.surname}",
                "email": person.email,
                "mobile": person.mobile,
                "firm": person.employer,
            }
            key = f"crm|{person.number:06}"
            records.append(record_of(key, "crm", town.worn(row, missing=0.15, slip=0.05), crm))
            truth[key] = str(person.number)
        for number in range(town.rng.choice((0, 1, 1, 2, 3))):
            key = f"bills|{person.number:06}-{number}"
            row = town.worn(_customer(town, person), missing=0.15, slip=0.05)
            records.append(record_of(key, "bills", row, bills))
            truth[key] = str(person.number)
    return LabelledSet(
        name="two sources",
        records=tuple(records),
        truth=truth,
        fields=tuple(sorted({**dict(fields_of(crm)), **dict(fields_of(bills))}.items())),
        unique_sources=frozenset({"crm"}),
        floor=floor,
    )
