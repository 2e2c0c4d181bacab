"""Labelled sets of families that share more than an address: a policy, two surnames, an e-mail."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from tests.quality.crowd import Crowd, Row, plain
from tests.quality.labelled import LabelledSet, labelled

Rows = Iterator[tuple[object, Mapping[str, str]]]

_PATIENT = {
    "prenom": "given_name",
    "nom": "surname",
    "naissance": "date_of_birth",
    "sexe": "gender",
    "assurance": "national_id",
    "adresse": "address_line",
    "ville": "city",
    "cp": "postcode",
    "telephone": "phone",
    "courriel": "email",
}
_CITIZEN: Mapping[str, object] = {
    "nombre": "given_name",
    "apellidos": "surname",
    "nacimiento": "date_of_birth",
    "lugar": "place",
    "dni": {"kind": "identifier", "type": "dni"},
    "movil": "phone",
    "profesion": "category",
}
_CARD = {
    "first": "given_name",
    "last": "surname",
    "email": "email",
    "phone": "phone",
    "street": "address_line",
    "city": "city",
    "zip": "postcode",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One of a family: what the records say of them each time, and the surnames they have had."""

    row: Mapping[str, str]
    born: date
    surnames: tuple[str, ...]


def hospital(people: int = 1_000, *, seed: int = 301, floor: float) -> LabelledSet:
    """Children under a parent's policy number, twins, maiden names, numbers that say nothing."""
    crowd = Crowd(seed=seed, locales=("fr_FR", "it_IT"))
    # Faker draws Italian towns from a set, whose order changes with every process.
    towns = sorted({crowd.fakes[0].city() for _ in range(60)})
    streets = crowd.pool("street_name", 250)

    def home() -> Row:
        town = crowd.rng.choice(towns)
        return {
            "adresse": f"{crowd.rng.randrange(1, 99)} {crowd.rng.choice(streets)}",
            "ville": town,
            "cp": f"{20_000 + towns.index(town) * 700 + crowd.rng.randrange(4) * 10}",
        }

    def rows() -> Rows:
        number = 0
        while number < people:
            for member in _patients(crowd, home()):
                number += 1
                place = home() if crowd.chance(0.1) else None
                for _ in range(crowd.rng.choice((1, 1, 2, 2, 3, 5, 8))):
                    yield number, _visit(crowd, member, place if crowd.chance(0.3) else None)

    return labelled("hospital", rows(), _PATIENT, floor=floor)


def _patients(crowd: Crowd, home: Row) -> Iterator[Member]:
    """Two grown people with a policy each, and children under the first one's."""
    surname, line, policy = crowd.surname(), f"04{crowd.digits(8)}", crowd.digits(13)
    born = crowd.born(1990, 2018)
    for place in range(crowd.rng.choice((1, 1, 2, 3, 4))):
        grown, sex = place < 2, crowd.rng.choice("MF")
        if grown:
            day = crowd.born(1935, 1988)
        else:
            day = born = born if crowd.chance(0.2) else crowd.born(1990, 2018)
        given = crowd.given(sex.lower())
        row = {
            "prenom": given,
            "sexe": sex,
            "assurance": crowd.digits(13) if place == 1 else policy,
            "telephone": line,
            "courriel": f"{plain(given).lower()}.{crowd.digits(4)}@example.org",
            **home,
        }
        maiden = (crowd.surname(),) if sex == "F" and place == 1 else ()
        yield Member(row=row, born=day, surnames=(surname, surname, *maiden))


def _visit(crowd: Crowd, member: Member, moved: Row | None) -> Row:
    day = crowd.misdated(member.born) if crowd.chance(0.04) else member.born
    row = {
        **member.row,
        **(moved or {}),
        "nom": crowd.rng.choice(member.surnames),
        "naissance": day.strftime("%d/%m/%Y"),
    }
    lacking = {
        "assurance": 0.3, "adresse": 0.2, "ville": 0.1, "cp": 0.15, "telephone": 0.3,
        "courriel": 0.6, "sexe": 0.1, "naissance": 0.02,
    }  # fmt: skip
    row = crowd.lacking(row, lacking)
    row = crowd.slipped(row, {"prenom": 0.05, "nom": 0.05, "assurance": 0.04, "adresse": 0.1})
    for name, nothing, share in (
        ("telephone", "0000000000", 0.05),
        ("courriel", "noemail@example.org", 0.05),
        ("naissance", "01/01/1900", 0.02),
    ):
        if crowd.chance(share):
            row[name] = nothing
    return row


def two_surnames(people: int = 1_200, *, seed: int = 302, floor: float) -> LabelledSet:
    """Both surnames or one, compound given names; siblings share the surnames and a telephone."""
    crowd = Crowd(seed=seed, locales=("es_ES", "es_MX", "pt_BR"))
    places, jobs = crowd.pool("city", 250), crowd.pool("job", 100)

    def rows() -> Rows:
        number = 0
        while number < people:
            first, second, line = crowd.surname(), crowd.surname(), f"6{crowd.digits(8)}"
            place, born = crowd.common(places), crowd.born(1935)
            for _ in range(crowd.rng.choice((1, 1, 1, 2, 3))):
                number += 1
                born = born if crowd.chance(0.12) else crowd.born(1935)
                row = {
                    "nombre": _compound(crowd, crowd.rng.choice("mf")),
                    "lugar": place,
                    "dni": f"{crowd.digits(8)}{crowd.letters(1)}",
                    "profesion": crowd.common(jobs),
                    "movil": f"6{crowd.digits(8)}",
                }
                member = Member(row=row, born=born, surnames=(first, second))
                for _ in range(crowd.rng.choice((1, 1, 2, 2, 3, 4))):
                    yield number, _entry(crowd, member, line if crowd.chance(0.35) else "")

    return labelled("two surnames", rows(), _CITIZEN, floor=floor)


def _compound(crowd: Crowd, sex: str) -> str:
    given = crowd.given(sex)
    return f"{given} {crowd.given(sex)}" if crowd.chance(0.35) and " " not in given else given


def _entry(crowd: Crowd, member: Member, line: str) -> Row:
    given, (first, second) = member.row["nombre"], member.surnames
    called = given.split()[0] if crowd.chance(0.35) else given
    if called.startswith("María") and crowd.chance(0.3):
        called = called.replace("María", "Mª")
    surnames = (f"{first} {second}", first, f"{second} {first}")
    day = crowd.misdated(member.born) if crowd.chance(0.06) else member.born
    row = {
        **member.row,
        "nombre": called,
        "apellidos": crowd.rng.choices(surnames, (62, 35, 3))[0],
        "nacimiento": day.strftime("%d/%m/%Y"),
        "movil": line or member.row["movil"],
    }
    lacking = {"nacimiento": 0.15, "lugar": 0.35, "dni": 0.55, "movil": 0.3, "profesion": 0.45}
    row = crowd.lacking(row, lacking)
    row = crowd.slipped(row, {"nombre": 0.05, "apellidos": 0.06, "dni": 0.06, "movil": 0.04})
    return {k: plain(v) for k, v in row.items()} if crowd.chance(0.4) else row


def loyalty_cards(people: int = 1_500, *, seed: int = 303, floor: float) -> LabelledSet:
    """A shop's cards: no birth date, couples with one e-mail, the shop's own telephone, moves."""
    crowd = Crowd(seed=seed, locales=("en_US", "en_IN", "nl_NL"))
    cities, streets = crowd.pool("city", 80), crowd.pool("street_name", 400)
    shops = [f"55501{crowd.digits(5)}" for _ in range(4)]

    def home() -> Row:
        city = crowd.rng.choice(cities)
        return {
            "street": f"{crowd.rng.randrange(1, 2500)} {crowd.rng.choice(streets)}",
            "city": city,
            "zip": f"{10_000 + cities.index(city) * 900 + crowd.rng.randrange(9)}",
        }

    def rows() -> Rows:
        number = 0
        while number < people:
            address, surname, couple = home(), crowd.surname(), crowd.chance(0.4)
            shared = f"{surname.lower().replace(' ', '')}family{crowd.digits(2)}@example.org"
            for _ in range(2 if couple else 1):
                number += 1
                own = {**_holder(crowd, surname), **address}
                for _ in range(crowd.rng.choice((1, 1, 1, 2, 2, 3, 4))):
                    own |= home() if crowd.chance(0.1) else {}
                    own |= {"phone": crowd.digits(10)} if crowd.chance(0.1) else {}
                    row = own | ({"email": shared} if couple and crowd.chance(0.4) else {})
                    shop = crowd.rng.choice(shops) if crowd.chance(0.04) else ""
                    yield number, _card(crowd, row) | ({"phone": shop} if shop else {})

    return labelled("loyalty cards", rows(), _CARD, floor=floor)


def _holder(crowd: Crowd, surname: str) -> Row:
    given = crowd.given(crowd.rng.choice("mf"))
    user = f"{given[0]}{surname}{crowd.digits(2)}".lower().replace(" ", "")
    email = f"{user}@example.org"
    return {"first": given, "last": surname, "email": email, "phone": crowd.digits(10)}


def _card(crowd: Crowd, row: Row) -> Row:
    row = row | ({"first": row["first"][0]} if crowd.chance(0.07) else {})
    lacking = {"first": 0.03, "email": 0.35, "phone": 0.3, "street": 0.3, "city": 0.2, "zip": 0.2}
    slips = {"first": 0.06, "last": 0.05, "email": 0.04, "phone": 0.04, "street": 0.07, "zip": 0.03}
    return crowd.slipped(crowd.lacking(row, lacking), slips)
