"""Invented people as they live: in households, with relatives, namesakes, jobs and papers.

Everything is drawn from one seed. Sets differ in what they write down of a person, and how badly.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random

from faker import Faker

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_NEIGHBOURS = {"a": "s", "e": "r", "i": "o", "o": "p", "n": "m", "t": "r", "s": "d", "l": "k"}
_NICKNAMES = {
    "james": "jim", "robert": "bob", "william": "bill", "elizabeth": "liz", "margaret": "peggy",
    "katherine": "kate", "thomas": "tom", "michael": "mike", "richard": "dick", "susan": "sue",
    "jennifer": "jen", "christopher": "chris", "patricia": "pat", "daniel": "dan", "david": "dave",
    "matthew": "matt", "anthony": "tony", "joseph": "joe", "samuel": "sam", "rebecca": "becky",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    number: str
    street: str
    city: str
    postcode: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """One person. `maiden` is a surname before marriage, `former` where they lived before."""

    number: int
    given: str
    middle: str
    surname: str
    sex: str
    born: date
    home: Home
    mobile: str
    email: str
    birth_place: str
    occupation: str
    employer: str
    passport: str
    national_id: str
    maiden: str | None = None
    former: Home | None = None

    @property
    def called(self) -> str:
        """What friends say."""
        return _NICKNAMES.get(self.given.lower(), self.given).title()


@dataclass(slots=True, kw_only=True)
class Town:
    """Draws people household by household; `rng` and `fake` share nothing with other towns."""

    seed: int
    locale: str = "en_GB"
    twins: float = 0.01
    same_name: float = 0.01
    """Share of children with the given name of a parent."""
    rng: Random = field(init=False)
    fake: Faker = field(init=False)
    cities: list[str] = field(init=False)
    streets: list[str] = field(init=False)
    employers: list[str] = field(init=False)
    occupations: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.rng, self.fake = Random(self.seed), Faker(self.locale)
        self.fake.seed_instance(self.seed)
        self.cities = sorted({self.fake.city() for _ in range(60)})
        self.streets = sorted({self.fake.street_name() for _ in range(500)})
        self.employers = sorted({self.fake.company() for _ in range(120)})
        self.occupations = sorted({self.fake.job() for _ in range(90)})

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def uneven(self, choices: list[str]) -> str:
        """The first of them far more often than the last."""
        return choices[min(int(self.rng.expovariate(4 / len(choices))), len(choices) - 1)]

    def digits(self, count: int) -> str:
        return "".join(self.rng.choice("0123456789") for _ in range(count))

    def residents(self, count: int) -> list[Resident]:
        people: list[Resident] = []
        while len(people) < count:
            people += [replace(p, number=len(people) + i) for i, p in enumerate(self.household())]
        return people[:count]

    def household(self) -> Iterator[Resident]:
        """One person, a couple, or a family; a child can be born with another or named alike."""
        home, surname = self.home(), self.fake.last_name()
        head = self.person(home, surname, age=self.rng.uniform(25, 85))
        yield head
        if self.chance(0.35):
            return
        age = (date(2020, 1, 1) - head.born).days / 365 + self.rng.uniform(-6, 6)
        spouse = self.person(home, surname, age=age, sex="f" if head.sex == "m" else "m")
        yield replace(spouse, maiden=self.fake.last_name() if self.chance(0.6) else None)
        children = self.rng.choice((0, 0, 1, 2, 3)) if age > 20 else 0
        born: date | None = None
        for _ in range(children):
            child = self.person(home, surname, age=max(age - self.rng.uniform(20, 40), 1))
            if born is not None and self.chance(self.twins):
                child = replace(child, born=born)
            if self.chance(self.same_name):
                parent = head if head.sex == child.sex else spouse
                child = replace(child, given=parent.given, sex=parent.sex)
            born = child.born
            yield child

    def home(self) -> Home:
        city = self.uneven(self.cities)
        return Home(
            number=str(self.rng.randrange(1, 180)),
            street=self.rng.choice(self.streets),
            city=city,
            postcode=f"{city[:2].upper()}{self.rng.randrange(1, 12)} {self.digits(1)}"
            f"{self.rng.choice('ABDEFGH')}{self.rng.choice('JLNPQRS')}",
            phone=f"01{self.rng.randrange(20, 99)}{self.digits(7)}",
        )

    def person(self, home: Home, surname: str, *, age: float, sex: str | None = None) -> Resident:
        fake, sex = self.fake, sex or self.rng.choice("mf")
        first = fake.first_name_male if sex == "m" else fake.first_name_female
        given = first()
        user = self.rng.choice(
            (f"{given}.{surname}", f"{given[0]}{surname}", f"{given}{self.digits(2)}", surname)
        )
        return Resident(
            number=0,
            given=given,
            middle=first(),
            surname=surname,
            sex=sex,
            born=date(2020, 1, 1) - timedelta(days=int(age * 365.25) + self.rng.randrange(365)),
            home=home,
            mobile=f"07{self.digits(9)}",
            email=f"{user.lower().replace(' ', '')}{self.digits(2)}@{fake.free_email_domain()}",
            birth_place=self.uneven(self.cities),
            occupation=self.uneven(self.occupations),
            employer=self.uneven(self.employers),
            passport=self.digits(9),
            national_id=f"{self.digits(3)}-{self.digits(2)}-{self.digits(4)}",
            former=self.home() if self.chance(0.15) else None,
        )

    def typo(self, text: str, rate: float) -> str:
        """One slip of the keyboard with the given probability."""
        if len(text) < 3 or not self.chance(rate):
            return text
        place = self.rng.randrange(1, len(text))
        before, here, after = text[:place], text[place], text[place + 1 :]
        if here.isdigit():
            return before + self.rng.choice("0123456789") + after
        slips = (
            before + after,
            before + here + here + after,
            before + _NEIGHBOURS.get(here, self.rng.choice(_LETTERS)) + after,
            before[:-1] + here + before[-1] + after,
        )
        return self.rng.choice(slips)

    def worn(self, row: dict[str, str], *, missing: float, slip: float) -> dict[str, str]:
        """What a careless clerk leaves of a row."""
        return {
            name: self.typo(text, slip)
            for name, text in row.items()
            if text and not self.chance(missing)
        }
