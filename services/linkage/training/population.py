"""An invented customer base: people in households, and what four channels know of them.

Names and streets come from outside (`Names`); everything else is drawn from one seeded generator.
The rates below are what makes a base of customers different from a clean register.
"""

import datetime as dt
from dataclasses import dataclass, replace
from random import Random
from typing import Protocol

_ALONE = 0.72  # people whose household has no other customer
_LANDLINE = 0.35  # households with a telephone they share
_SHARED_EMAIL = 0.06  # couples with one e-mail address
_MAIDEN = 0.3  # women whose earlier surname still stands somewhere
_MOVED = 0.3
_SECOND_EMAIL = 0.25
_MIDDLE = 0.55
_SUFFIX = 0.02
_OLDEST = dt.date(1935, 1, 1)
_DAYS = 26_000  # to early 2006
_DOMAINS = ("example.org", "mail.example.org", "post.example.net", "inbox.example.com")


class Names(Protocol):
    """Where invented names come from; one country."""

    def given(self, gender: str) -> str: ...
    def surname(self) -> str: ...
    def street(self) -> str: ...
    def place(self) -> tuple[str, str]:
        """A city, and one of its postcodes."""
        ...

    def mobile(self) -> str: ...
    def nickname(self, given: str) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    line: str
    city: str
    postcode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What is true of a person; records say some of it, some of it wrongly."""

    given: str
    called: str
    middle: str | None
    surname: str
    maiden: str | None
    suffix: str | None
    gender: str
    born: dt.date
    emails: tuple[str, ...]
    mobile: str
    landline: str | None
    address: Address
    old_address: Address | None


class PopulationMaker:
    """Draws people household by household."""

    def __init__(self, names: Names, rng: Random) -> None:
        self._names = names
        self._rng = rng
        self._emails: set[str] = set()

    def people(self, count: int) -> list[Person]:
        people: list[Person] = []
        while len(people) < count:
            people += self._household()
        return people[:count]

    def _household(self) -> list[Person]:
        rng = self._rng
        address = self._address()
        landline = self._names.mobile() if rng.random() < _LANDLINE else None
        first = self._person(address, landline, surname=self._names.surname(), youngest=_DAYS)
        if rng.random() < _ALONE:
            return [first]
        gender = "f" if first.gender == "m" else "m"
        second = self._person(
            address, landline, surname=first.surname, youngest=_DAYS, gender=gender
        )
        if rng.random() < _SHARED_EMAIL:
            second = replace(second, emails=first.emails)
        children = rng.choice((0, 0, 0, 1, 2))
        born = max(first.born, second.born) + dt.timedelta(days=20 * 365)
        grown = [
            self._person(address, landline, surname=first.surname, after=born, youngest=_DAYS)
            for _ in range(children)
            if (_OLDEST + dt.timedelta(days=_DAYS)) > born
        ]
        return [first, second, *grown]

    def _person(
        self,
        address: Address,
        landline: str | None,
        *,
        surname: str,
        youngest: int,
        after: dt.date = _OLDEST,
        gender: str | None = None,
    ) -> Person:
        rng = self._rng
        gender = gender or rng.choice("mf")
        given = self._names.given(gender)
        span = youngest - (after - _OLDEST).days
        born = after + dt.timedelta(days=rng.randrange(max(span, 1)))
        called = self._names.nickname(given) if rng.random() < 0.4 else given  # noqa: PLR2004
        emails = [self._email(called, surname, born)]
        if rng.random() < _SECOND_EMAIL:
            emails.append(self._email(given, surname, born))
        return Person(
            given=given,
            called=called,
            middle=self._names.given(gender) if rng.random() < _MIDDLE else None,
            surname=surname,
            maiden=self._names.surname() if gender == "f" and rng.random() < _MAIDEN else None,
            suffix=rng.choice(("Jr", "Sr", "III")) if rng.random() < _SUFFIX else None,
            gender=gender,
            born=born,
            emails=tuple(emails),
            mobile=self._names.mobile(),
            landline=landline,
            address=address,
            old_address=self._address() if rng.random() < _MOVED else None,
        )

    def _address(self) -> Address:
        city, postcode = self._names.place()
        line = f"{self._rng.randrange(1, 240)} {self._names.street()}"
        if self._rng.random() < 0.15:  # noqa: PLR2004 - flats
            line = f"Flat {self._rng.randrange(1, 30)}, {line}"
        return Address(line=line, city=city, postcode=postcode)

    def _email(self, given: str, surname: str, born: dt.date) -> str:
        rng = self._rng
        g, s = _letters(given), _letters(surname)
        user = rng.choice(
            (f"{g}.{s}", f"{g}{s}", f"{g[:1]}{s}", f"{g}{born.year % 100}", f"{s}.{g}", f"{g}_{s}")
        )
        if rng.random() < 0.15:  # noqa: PLR2004 - an address that tells no name
            user = "".join(rng.choice("abcdefghijklmnoprstuvwy") for _ in range(8))
        domain = rng.choice(_DOMAINS)
        while f"{user}@{domain}" in self._emails:
            user += str(rng.randrange(10, 99))
        self._emails.add(f"{user}@{domain}")
        return f"{user}@{domain}"


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isascii() and letter.isalpha())


class Channels:
    """What the channels write down about a person."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def records(self, person: Person) -> list[tuple[str, dict[str, str]]]:
        """One to five records of a person as (source, values)."""
        makers = (
            ("web", self._web, 0.75),
            ("web", self._web, 0.2),
            ("app", self._app, 0.6),
            ("call_centre", self._call_centre, 0.5),
            ("billing", self._billing, 0.7),
            ("billing", self._billing, 0.08),
        )
        made = [(name, make(person)) for name, make, rate in makers if self._rng.random() < rate]
        return [(name, values) for name, values in made if values]

    def _chance(self, probability: float) -> bool:
        return self._rng.random() < probability

    def _web(self, person: Person) -> dict[str, str]:
        values: dict[str, str] = {}
        if self._chance(0.06):
            values["full_name"] = f"{person.called} {person.surname}"
        else:
            values["given_name"] = self._typo(person.called, 0.06)
            if self._chance(0.9):
                values["surname"] = self._typo(person.surname, 0.04)
        if self._chance(0.93):
            values["email"] = self._email(person)
        if self._chance(0.25):
            values["phone"] = self._phone(person)
        if self._chance(0.1):
            values["postcode"] = person.address.postcode
        return values

    def _app(self, person: Person) -> dict[str, str]:
        values: dict[str, str] = {}
        if self._chance(0.92):
            values["email"] = self._email(person)
        if self._chance(0.75):
            values["phone"] = self._phone(person)
        if self._chance(0.5):
            values["given_name"] = self._typo(person.called, 0.05)
        if self._chance(0.4):
            values["surname"] = self._typo(person.surname, 0.04)
        if self._chance(0.25):
            values["date_of_birth"] = self._born(person)
        if self._chance(0.2):
            values["gender"] = person.gender
        return values

    def _call_centre(self, person: Person) -> dict[str, str]:
        surname = person.maiden if person.maiden and self._chance(0.4) else person.surname
        values = {
            "given_name": self._typo(person.given if self._chance(0.5) else person.called, 0.1)
        }
        if self._chance(0.95):
            values["surname"] = self._typo(surname, 0.1)
        if self._chance(0.85):
            values["phone"] = self._phone(person)
        if self._chance(0.6):
            values["date_of_birth"] = self._born(person)
        if self._chance(0.4):
            values |= self._address(person)
        if self._chance(0.15):
            values["email"] = self._email(person)
        return values

    def _billing(self, person: Person) -> dict[str, str]:
        surname = person.maiden if person.maiden and self._chance(0.15) else person.surname
        values = {"given_name": person.given, "surname": self._typo(surname, 0.02)}
        if self._chance(0.07):
            middle = f" {person.middle}" if person.middle else ""
            values = {"full_name": f"{person.given}{middle} {surname}"}
        elif person.middle and self._chance(0.6):
            values["middle_name"] = person.middle if self._chance(0.5) else person.middle[0]
        if person.suffix and self._chance(0.7):
            values["suffix"] = person.suffix
        values |= self._address(person)
        if self._chance(0.75):
            values["date_of_birth"] = self._born(person)
        if self._chance(0.55):
            values["phone"] = self._phone(person)
        if self._chance(0.5):
            values["email"] = self._email(person)
        if self._chance(0.4):
            values["gender"] = person.gender
        return values

    def _address(self, person: Person) -> dict[str, str]:
        moved = person.old_address is not None and self._chance(0.35)
        address = person.old_address if moved and person.old_address else person.address
        values = {"address_line": self._typo(address.line, 0.06), "postcode": address.postcode}
        if self._chance(0.9):
            values["city"] = self._typo(address.city, 0.03)
        if self._chance(0.05):
            del values["postcode"]
        return values

    def _email(self, person: Person) -> str:
        email = person.emails[0] if self._chance(0.85) else person.emails[-1]
        return email.upper() if self._chance(0.02) else self._typo(email, 0.015)

    def _phone(self, person: Person) -> str:
        landline = person.landline if self._chance(0.25) else None
        phone = landline or person.mobile
        return self._digit_typo(phone) if self._chance(0.02) else phone

    def _born(self, person: Person) -> str:
        text = person.born.isoformat()
        return self._digit_typo(text) if self._chance(0.03) else text

    def _digit_typo(self, text: str) -> str:
        places = [index for index, letter in enumerate(text) if letter.isdigit()]
        place = self._rng.choice(places[-6:])
        return text[:place] + self._rng.choice("0123456789") + text[place + 1 :]

    def _typo(self, text: str, rate: float) -> str:
        """One slip of the keyboard with the given probability."""
        if len(text) < 3 or not self._chance(rate):  # noqa: PLR2004 - initials stay
            return text
        place = self._rng.randrange(1, len(text) - 1)
        letter = self._rng.choice("abcdefghijklmnopqrstuvwxyz")
        match self._rng.randrange(4):
            case 0:
                return text[:place] + text[place + 1 :]
            case 1:
                return text[:place] + letter + text[place:]
            case 2:
                return text[:place] + letter + text[place + 1 :]
            case _:
                return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
