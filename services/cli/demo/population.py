"""Synthetic people, split into the silos of four channels; who is who stays in this process.

The people come from the generator that training uses, under another seed; what the silos write
down of them, and how wrongly, is this module's own, so that the shipped model meets errors at rates
that it was not trained on. Nothing that is sent says which person it is about: keys are drawn.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from services.cli.demo.story import Call, Door
from services.identity.domain.ids import RecordKey
from services.linkage.training.population import Person, PopulationMaker

SEED = 20_250_301
LOCALE = "en_GB"
# Who is a customer where. Whoever is nowhere by these rates has a billing account.
WEB, APP, CALLS, BILLING = 0.55, 0.4, 0.35, 0.6
SECOND_WEB, SECOND_CALL, SECOND_ACCOUNT = 0.06, 0.2, 0.05
QUOTES_ACCOUNT = 0.35  # callers with an account whose number the agent notes
QUOTES_PARTNERS = 0.02  # of those, callers who give the number of somebody else's account
_EPOCH = "2025-01-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SHORT = 3  # words of fewer letters are not mistyped: little would be left of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event of a silo, and the person whom it is truly about."""

    door: Door
    event: Call
    record: RecordKey
    person: int


def population(people: int, *, seed: int = SEED) -> list[Entry]:
    """Every event of `people` invented people, in the order in which they are sent."""
    from services.linkage.training.customer import FakerNames

    rng = Random(seed)  # noqa: S311  # invented people, the same at every run
    made = PopulationMaker(FakerNames(LOCALE, rng), rng).people(people)
    silos = _Silos(rng)
    entries = [
        entry for number, person in enumerate(made) for entry in silos.entries(number, person)
    ]
    rng.shuffle(entries)
    return entries


class _Silos:
    """What each channel writes down of a person."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._number = 0
        self._last_account: str | None = None

    def entries(self, number: int, person: Person) -> Iterator[Entry]:
        accounts: list[str] = []
        for door, make in self._presences():
            body, record = make(person, accounts)
            yield Entry(door=door, event=body, record=record, person=number)
        if accounts:
            self._last_account = accounts[0]

    def _presences(self) -> list[tuple[Door, "_Make"]]:
        """Billing comes first: a call may quote the number of the account."""
        billing, web = self._chance(BILLING), self._chance(WEB)
        app, calls = self._chance(APP), self._chance(CALLS)
        billing = billing or not (web or app or calls)
        found: list[tuple[Door, _Make]] = []
        for is_there, door, make, again in (
            (billing, Door.BILLING, self._billing, SECOND_ACCOUNT),
            (web, Door.SDK, self._web, SECOND_WEB),
            (app, Door.MOBILE, self._app, 0.0),
            (calls, Door.CALLS, self._call, SECOND_CALL),
        ):
            if is_there:
                found += [(door, make)] * (2 if self._chance(again) else 1)
        return found

    def _web(self, person: Person, _: Sequence[str]) -> tuple[Call, RecordKey]:
        traits = {"firstName": self._typo(person.called, 0.05)}
        self._maybe(traits, 0.9, lastName=lambda: self._typo(person.surname, 0.04))
        self._maybe(traits, 0.94, email=lambda: self._email(person))
        self._maybe(traits, 0.3, phone=lambda: self._phone(person))
        if self._chance(0.3):
            traits |= self._address(person, old=0.1)
        user = self._key("w")
        body = self._tracking({"userId": user, "traits": traits})
        return body, RecordKey("web", "user_id", user)

    def _app(self, person: Person, _: Sequence[str]) -> tuple[Call, RecordKey]:
        traits: dict[str, str] = {}
        self._maybe(traits, 0.9, email=lambda: self._email(person))
        self._maybe(traits, 0.7, phone=lambda: self._phone(person))
        self._maybe(traits, 0.6, firstName=lambda: self._typo(person.called, 0.05))
        self._maybe(traits, 0.5, lastName=lambda: self._typo(person.surname, 0.04))
        self._maybe(traits, 0.3, birthday=lambda: self._born(person))
        user = self._key("m")
        body = self._tracking({"userId": user, "channel": "mobile", "traits": traits})
        return body, RecordKey("app", "user_id", user)

    def _call(self, person: Person, accounts: Sequence[str]) -> tuple[Call, RecordKey]:
        surname = person.maiden if person.maiden and self._chance(0.35) else person.surname
        given = person.given if self._chance(0.5) else person.called
        traits = {"firstName": self._typo(given, 0.1)}
        self._maybe(traits, 0.95, lastName=lambda: self._typo(surname, 0.1))
        self._maybe(traits, 0.88, phone=lambda: self._phone(person))
        self._maybe(traits, 0.5, dateOfBirth=lambda: self._born(person))
        self._maybe(traits, 0.12, email=lambda: self._email(person))
        if self._chance(0.3):
            traits |= self._address(person, old=0.15)
        contact = self._key("c")
        body: dict[str, Any] = {"contactId": contact, "traits": traits}
        quoted = self._quoted(accounts)
        if quoted is not None:
            body["externalIds"] = [{"type": "account_number", "id": quoted}]
        return self._dated(body), RecordKey("calls", "contact_id", contact)

    def _quoted(self, accounts: Sequence[str]) -> str | None:
        if not accounts or not self._chance(QUOTES_ACCOUNT):
            return None
        return self._last_account if self._chance(QUOTES_PARTNERS) else accounts[0]

    def _billing(self, person: Person, accounts: list[str]) -> tuple[Call, RecordKey]:
        surname = person.maiden if person.maiden and self._chance(0.15) else person.surname
        traits = {"firstName": person.given, "lastName": self._typo(surname, 0.02)}
        if self._chance(0.1):
            traits = {"name": f"{person.given} {person.middle or ''} {surname}".replace("  ", " ")}
        traits |= self._address(person, old=0.3)
        self._maybe(traits, 0.65, dateOfBirth=lambda: self._born(person))
        self._maybe(traits, 0.5, phone=lambda: self._phone(person))
        self._maybe(traits, 0.45, email=lambda: self._email(person))
        account = self._key("b")
        accounts.append(account)
        product, price = self._rng.choice((("TV", "45.00"), ("Fibre 500", "32.00")))
        held = {"product": product, "price": price, "currency": "GBP"}
        body = {
            "event": "Product Held",
            "accountNumber": account,
            "traits": traits,
            "properties": held,
        }
        return self._dated(body), RecordKey("billing", "account_number", account)

    def _address(self, person: Person, *, old: float) -> dict[str, str]:
        address = person.address
        if person.old_address is not None and self._chance(old):
            address = person.old_address
        values = {"street": self._typo(address.line, 0.06)}
        self._maybe(values, 0.95, postalCode=lambda: address.postcode)
        self._maybe(values, 0.9, city=lambda: self._typo(address.city, 0.03))
        return values

    def _email(self, person: Person) -> str:
        email = person.emails[0] if self._chance(0.85) else person.emails[-1]
        return self._typo(email, 0.015)

    def _phone(self, person: Person) -> str:
        phone = person.landline if person.landline and self._chance(0.25) else person.mobile
        return self._digit(phone) if self._chance(0.02) else phone

    def _born(self, person: Person) -> str:
        text = person.born.isoformat()
        return self._digit(text) if self._chance(0.03) else text

    def _digit(self, text: str) -> str:
        """One wrong digit among the last."""
        place = self._rng.choice([i for i, letter in enumerate(text) if letter.isdigit()][-5:])
        return text[:place] + self._rng.choice("0123456789") + text[place + 1 :]

    def _typo(self, text: str, rate: float) -> str:
        """At this rate: one letter left out, doubled, replaced, or swapped with the next."""
        if len(text) < _SHORT or not self._chance(rate):
            return text
        at = self._rng.randrange(1, len(text) - 1)
        letter, following = text[at], text[at + 1]
        other = self._rng.choice(_LETTERS)
        slip = self._rng.choice((following, letter * 2 + following, other + following))
        return text[:at] + (slip if self._chance(0.7) else following + letter) + text[at + 2 :]

    def _tracking(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._dated({"type": "identify", **body})

    def _dated(self, body: Mapping[str, Any]) -> dict[str, Any]:
        rng = self._rng
        at = _EPOCH.format(
            day=rng.randrange(1, 29),
            hour=rng.randrange(24),
            minute=rng.randrange(60),
            second=rng.randrange(60),
            milli=rng.randrange(1000),
        )
        return {"messageId": f"demo-{self._drawn()}", "timestamp": at, **body}

    def _key(self, prefix: str) -> str:
        return f"{prefix}-{self._drawn()}"

    def _drawn(self) -> str:
        """No two are equal, and none tells whose it is."""
        self._number += 1
        return f"{self._rng.randrange(16**8):08x}{self._number:x}"

    def _maybe(self, values: dict[str, str], rate: float, **make: Callable[[], str]) -> None:
        for name, value in make.items():
            if self._chance(rate):
                values[name] = value()

    def _chance(self, probability: float) -> bool:
        return self._rng.random() < probability


_Make = Callable[[Person, list[str]], tuple[Call, RecordKey]]
