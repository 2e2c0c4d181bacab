"""Invented people at speed: a base of records, and new records about them and about others.

The same seed gives the same records, whatever else was asked before.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from random import Random
from types import MappingProxyType

from services.linkage.training.customer import FIELDS, FakerNames
from services.linkage.training.population import Channels, Person, PopulationMaker

COLUMNS = tuple(name for name, _ in FIELDS)
_KIND_OF_SOURCE = MappingProxyType(
    {"web": "user_id", "app": "user_id", "calls": "contact_id", "billing": "account_number"}
)
_RENAMED = {"call_centre": "calls"}
_NAMES_DRAWN = 6_000  # from Faker, which is slow; later names are drawn from these
_RARE_SURNAMES = 0.55  # people whose surname is none of the few hundred that Faker knows
_KNOWN_SHARE = 0.6  # of new records: those of a person whom the base knows
_PEOPLE_AT_ONCE = 500
_PEOPLE_KEPT_MAX = 50_000  # of the base, about whom new records may be: bounds memory
_FIRST_PARTS = (
    "Ash", "Beck", "Brack", "Burn", "Cal", "Carl", "Clif", "Crom", "Dal", "Den", "Dray", "East",
    "Elm", "Far", "Fen", "Gar", "Glen", "Grim", "Hal", "Har", "Hazel", "Hol", "Kel", "Kirk", "Lang",
    "Lin", "Mar", "Mel", "Mor", "Nor", "Oak", "Pem", "Rad", "Raven", "Sax", "Sel", "Shel", "Thorn",
)  # fmt: skip
_LAST_PARTS = (
    "beck", "berry", "bourne", "bridge", "bury", "by", "combe", "cott", "croft", "dale", "den",
    "field", "ford", "gate", "ham", "hurst", "ley", "low", "man", "mere", "ridge", "sall", "sett",
    "shaw", "stead", "stock", "ston", "thorpe", "ton", "wald", "wick", "wood", "worth",
)  # fmt: skip
_ENDINGS = ("", "s", "er", "son")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one source says of a person: its name, the kind of its keys, and values by column."""

    source: str
    key_kind: str
    values: Mapping[str, str]


class PooledNames(FakerNames):
    """Faker's names as common as they came in a first draw, and a long tail of rare surnames."""

    def __init__(self, rng: Random) -> None:
        super().__init__("en_GB", rng)
        self._draw = rng
        self._givens = {g: [self._faker_given(g) for _ in range(_NAMES_DRAWN)] for g in "mf"}
        self._surnames = [self._faker_surname() for _ in range(_NAMES_DRAWN)]
        self._rare = ["".join(parts) for parts in product(_FIRST_PARTS, _LAST_PARTS, _ENDINGS)]

    def _faker_given(self, gender: str) -> str:
        return super().given(gender)

    def _faker_surname(self) -> str:
        return super().surname()

    def given(self, gender: str) -> str:
        return self._draw.choice(self._givens[gender])

    def surname(self) -> str:
        names = self._rare if self._draw.random() < _RARE_SURNAMES else self._surnames
        return self._draw.choice(names)


class People:
    """One population. `base` first, then as many runs of `newcomers` as wanted."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._rng = Random(f"{seed} people")  # noqa: S311  # invented people, repeatable on purpose
        self._maker = PopulationMaker(PooledNames(self._rng), self._rng)
        self._known: list[Person] = []

    def base(self, records: int) -> Iterator[Row]:
        """That many records, one person's after another's."""
        channels = Channels(Random(f"{self._seed} base"))  # noqa: S311  # see above
        left = records
        while left:
            people = self._maker.people(_PEOPLE_AT_ONCE)
            room = _PEOPLE_KEPT_MAX - len(self._known)
            self._known.extend(people[:room])
            for person in people:
                rows = _rows(channels, person)[:left]
                left -= len(rows)
                yield from rows

    def newcomers(self, records: int, *, run: int) -> list[Row]:
        """New records: most are of people whom the base knows. Each `run` has its own."""
        self._rng.seed(f"{self._seed} run {run}")
        choose = Random(f"{self._seed} choice {run}")  # noqa: S311  # see above
        channels = Channels(Random(f"{self._seed} words {run}"))  # noqa: S311  # see above
        strangers = iter(self._maker.people(records))
        rows: list[Row] = []
        while len(rows) < records:
            is_known = bool(self._known) and choose.random() < _KNOWN_SHARE
            person = choose.choice(self._known) if is_known else next(strangers)
            said: list[Row] = []
            while not said:
                said = _rows(channels, person)
            rows.append(choose.choice(said))
        return rows


def _rows(channels: Channels, person: Person) -> list[Row]:
    rows: list[Row] = []
    for source, values in channels.records(person):
        name = _RENAMED.get(source, source)
        rows.append(Row(source=name, key_kind=_KIND_OF_SOURCE[name], values=values))
    return rows
