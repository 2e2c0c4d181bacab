"""Labelled registers of unlike shapes: a clinic, passports, name orders, scripts and dates."""

from collections.abc import Iterator, Mapping
from datetime import date
from random import Random

from tests.quality.labelled import LabelledSet, labelled
from tests.quality.town import Town

Rows = Iterator[tuple[object, Mapping[str, str]]]

_SPELLINGS = {
    "aleksandr": ("Aleksandr", "Alexander", "Alexandr", "Александр"),
    "sergei": ("Sergei", "Sergey", "Serguei", "Сергей"),
    "dmitri": ("Dmitri", "Dmitry", "Dmitriy", "Дмитрий"),
    "yuri": ("Yuri", "Yury", "Iurii", "Юрий"),
    "mikhail": ("Mikhail", "Mihail", "Michail", "Михаил"),
    "yulia": ("Yulia", "Julia", "Iuliia", "Юлия"),
    "ekaterina": ("Ekaterina", "Yekaterina", "Jekaterina", "Екатерина"),
    "natalia": ("Natalia", "Nataliya", "Natalya", "Наталия"),
    "tatiana": ("Tatiana", "Tatyana", "Tatjana", "Татьяна"),
    "kseniya": ("Kseniya", "Xenia", "Ksenia", "Ксения"),
    "nikolai": ("Nikolai", "Nikolay", "Nicolai", "Николай"),
    "evgeny": ("Evgeny", "Yevgeniy", "Evgenii", "Евгений"),
    "khrushchev": ("Khrushchev", "Hrushchev", "Khruschev", "Хрущев"),
    "chaikovsky": ("Chaikovsky", "Tchaikovsky", "Chaykovskiy", "Чайковский"),
    "zhukov": ("Zhukov", "Joukov", "Shukow", "Жуков"),
    "yakovlev": ("Yakovlev", "Iakovlev", "Jakowlew", "Яковлев"),
    "shcherbakov": ("Shcherbakov", "Scherbakov", "Chtcherbakov", "Щербаков"),
    "tsvetkov": ("Tsvetkov", "Tzvetkov", "Zwetkow", "Цветков"),
    "ershov": ("Ershov", "Yershov", "Jerschow", "Ершов"),
    "kuznetsov": ("Kuznetsov", "Kousnetzov", "Kuznecov", "Кузнецов"),
    "vorobyov": ("Vorobyov", "Vorobiev", "Worobjow", "Воробьев"),
    "gavrilov": ("Gavrilov", "Gawrilow", "Gavriloff", "Гаврилов"),
    "belyaev": ("Belyaev", "Beliaev", "Beljajew", "Беляев"),
    "fyodorov": ("Fyodorov", "Fedorov", "Fjodorow", "Фёдоров"),
}
_GIVEN_COUNT = 12  # the spellings above: given names first


def clinic(people: int = 1_500, *, floor: float) -> LabelledSet:
    """Visits to a clinic: the insurance number is mistyped, families share a surname and a city."""
    columns = {
        "forename": "given_name",
        "second_name": "middle_name",
        "family_name": "surname",
        "born": "date_of_birth",
        "sex": "gender",
        "town": "city",
        "insurance": {"kind": "identifier", "type": "insurance"},
    }
    town = Town(seed=101, twins=0.05)

    def rows() -> Rows:
        for person in town.residents(people):
            insurance = f"{person.surname[:2].upper()}{person.national_id.replace('-', '')}"
            for _ in range(town.rng.choice((1, 1, 2, 2, 3, 5))):
                maiden = person.maiden if town.chance(0.3) else None
                first, last = person.given, maiden or person.surname
                if town.chance(0.02):
                    first, last = last, first
                row = {
                    "forename": person.called if town.chance(0.1) else first,
                    "second_name": person.middle if town.chance(0.3) else person.middle[0],
                    "family_name": last,
                    "born": person.born.strftime("%d/%m/%Y"),
                    "sex": "female" if person.sex == "f" else "male",
                    "town": person.home.city,
                    "insurance": insurance if town.chance(0.8) else "",
                }
                yield person.number, town.worn(row, missing=0.06, slip=0.07)

    return labelled("clinic", rows(), columns, floor=floor)


def passports(people: int = 1_500, *, floor: float) -> LabelledSet:
    """Border entries: occupation, birth place, employer, passport, each often empty or changed."""
    columns = {
        "first": "given_name",
        "last": "surname",
        "born": "date_of_birth",
        "birth_place": "place",
        "occupation": "category",
        "employer": "organisation",
        "passport": {"kind": "identifier", "type": "passport"},
    }
    town = Town(seed=102, locale="en_US", twins=0.05, same_name=0.05)

    def rows() -> Rows:
        for person in town.residents(people):
            passport, occupation, employer = person.passport, person.occupation, person.employer
            for _ in range(town.rng.choice((1, 1, 2, 3, 4, 6))):
                if town.chance(0.12):
                    passport = town.digits(9)
                if town.chance(0.15):
                    occupation, employer = (
                        town.uneven(town.occupations),
                        town.uneven(town.employers),
                    )
                row = {
                    "first": person.given,
                    "last": person.surname,
                    "born": person.born.isoformat(),
                    "birth_place": person.birth_place if town.chance(0.7) else "",
                    "occupation": occupation if town.chance(0.6) else "",
                    "employer": employer if town.chance(0.6) else "",
                    "passport": passport if town.chance(0.65) else "",
                }
                yield person.number, town.worn(row, missing=0.08, slip=0.06)

    return labelled("passports", rows(), columns, floor=floor)


def surname_first(people: int = 1_500, *, floor: float) -> LabelledSet:
    """One name column, "SURNAME, Given M." by one clerk and "Given Surname" by another."""
    columns = {"name": "full_name", "born": "date_of_birth", "zip": "postcode", "phone": "phone"}
    town = Town(seed=103, locale="en_US", twins=0.03)

    def rows() -> Rows:
        for person in town.residents(people):
            for _ in range(town.rng.choice((1, 2, 2, 3))):
                given = person.called if town.chance(0.1) else person.given
                shapes = (
                    f"{person.surname.upper()}, {given} {person.middle[0]}.",
                    f"{person.surname.upper()}, {given}",
                    f"{given} {person.middle[0]}. {person.surname}",
                    f"{given} {person.surname}",
                    f"{person.surname.upper()} {given.upper()}",
                )
                row = {
                    "name": town.rng.choices(shapes, (4, 3, 1, 1, 1))[0],
                    "born": person.born.strftime("%m/%d/%Y"),
                    "zip": person.home.postcode,
                    "phone": town.rng.choice((person.mobile, person.home.phone)),
                }
                worn = town.worn(row, missing=0.12, slip=0.06)
                yield person.number, worn

    return labelled("surname first", rows(), columns, floor=floor)


def transliterated(people: int = 800, *, floor: float) -> LabelledSet:
    """Russian names in several Latin spellings and in Cyrillic, with birth date and phone."""
    columns = {
        "given": "given_name",
        "surname": "surname",
        "born": "date_of_birth",
        "phone": "phone",
        "city": "city",
    }
    town = Town(seed=104)
    names = list(_SPELLINGS)

    def rows() -> Rows:
        for person in town.residents(people):
            given = town.rng.choice(names[:_GIVEN_COUNT])
            surname = town.rng.choice(names[_GIVEN_COUNT:])
            for _ in range(town.rng.choice((1, 2, 3, 4))):
                script = town.rng.choices((0, 1, 2, 3), (3, 3, 2, 2))[0]
                row = {
                    "given": _SPELLINGS[given][script],
                    "surname": _SPELLINGS[surname][script],
                    "born": person.born.strftime("%d.%m.%Y"),
                    "phone": person.mobile if town.chance(0.6) else person.home.phone,
                    "city": person.home.city,
                }
                yield person.number, town.worn(row, missing=0.12, slip=0.03)

    return labelled("transliterated", rows(), columns, floor=floor)


def written_dates(people: int = 1_200, *, floor: float) -> LabelledSet:
    """Dates and phones as each clerk writes them, names and a street beside them."""
    columns = {
        "name": "full_name",
        "birthday": "date_of_birth",
        "tel": "phone",
        "street": "address_line",
        "town": "city",
    }
    town = Town(seed=105, twins=0.03)

    def rows() -> Rows:
        for person in town.residents(people):
            for _ in range(town.rng.choice((1, 2, 2, 3))):
                home = person.former if person.former and town.chance(0.3) else person.home
                row = {
                    "name": f"{person.given} {person.surname}",
                    "birthday": _written(person.born, town.rng),
                    "tel": _dialled(town.rng.choice((person.mobile, home.phone)), town.rng),
                    "street": f"{home.number} {home.street}",
                    "town": home.city,
                }
                yield person.number, town.worn(row, missing=0.1, slip=0.04)

    return labelled("written dates", rows(), columns, floor=floor)


def _written(day: date, rng: Random) -> str:
    shapes = ("%d/%m/%Y", "%d %B %Y", "%d-%b-%Y", "%d.%m.%y", "%Y-%m-%d", "%B %d, %Y", "%d%m%Y")
    return day.strftime(rng.choice(shapes))


def _dialled(phone: str, rng: Random) -> str:
    bare = phone[1:]
    shapes = (
        phone,
        f"+44 {bare[:2]} {bare[2:6]} {bare[6:]}",
        f"0044{bare}",
        f"({phone[:3]}) {phone[3:]}",
        f"+44 (0){bare}",
        f"{phone[:5]}-{phone[5:]}",
    )
    return rng.choice(shapes)
