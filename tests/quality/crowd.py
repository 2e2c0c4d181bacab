"""Invented people of many languages, and what clerks, scanners and forms do to what they say.

Nothing is shared with the town of the other sets: other name pools, other errors, other habits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from unicodedata import combining, normalize

from faker import Faker

Row = dict[str, str]

_SOUNDS = (
    ("ph", "f"), ("th", "t"), ("ck", "k"), ("sch", "sh"), ("ei", "ai"), ("y", "i"), ("v", "w"),
    ("z", "s"), ("c", "k"), ("nn", "n"), ("ll", "l"), ("ss", "s"), ("tt", "t"), ("qu", "k"),
    ("dt", "t"), ("ie", "i"), ("oo", "u"), ("rz", "z"), ("gn", "ny"), ("h", ""),
)  # fmt: skip
_SCANNED = (("m", "rn"), ("l", "1"), ("o", "0"), ("e", "c"), ("h", "b"), ("u", "v"), ("s", "5"))
_SPELLED_OUT = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe"}


@dataclass(slots=True, kw_only=True)
class Crowd:
    """Draws people of some Faker locales; everything follows from the seed."""

    seed: int
    locales: Sequence[str]
    rng: Random = field(init=False)
    fakes: list[Faker] = field(init=False)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.fakes = [Faker(locale) for locale in self.locales]
        for fake in self.fakes:
            fake.seed_instance(self.seed)

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def digits(self, count: int) -> str:
        return "".join(self.rng.choices("0123456789", k=count))

    def letters(self, count: int) -> str:
        return "".join(self.rng.choices("ABCDEFGHJKLMNPRSTUVWXYZ", k=count))

    def pool(self, kind: str, count: int) -> list[str]:
        """Distinct values of one Faker provider, over the locales."""
        return sorted({getattr(self.rng.choice(self.fakes), kind)() for _ in range(count)})

    def common(self, pool: Sequence[str], *, lean: float = 1.0) -> str:
        """By Zipf: the first value a hundred times as often as the hundredth."""
        place = int(len(pool) ** (self.rng.random() ** (1 / lean))) - 1
        return pool[min(max(place, 0), len(pool) - 1)]

    def given(self, sex: str) -> str:
        fake = self.rng.choice(self.fakes)
        return str(fake.first_name_male() if sex == "m" else fake.first_name_female())

    def surname(self) -> str:
        return str(self.rng.choice(self.fakes).last_name())

    def born(self, first: int = 1930, last: int = 2004) -> date:
        start = date(first, 1, 1)
        return start + timedelta(days=self.rng.randrange((date(last, 12, 31) - start).days))

    def misspelled(self, text: str) -> str:
        """As heard, as scanned, as typed in a hurry, or cut off."""
        kind = self.rng.choice(("heard", "scanned", "typed", "typed", "swapped", "cut"))
        if len(text) < 4:
            return text
        if kind in {"heard", "scanned"}:
            pairs = _SOUNDS if kind == "heard" else _SCANNED
            fitting = [(a, b) for a, b in pairs if a in text[1:].lower()]
            if fitting:
                old, new = self.rng.choice(fitting)
                return text[0] + text[1:].lower().replace(old, new, 1)
        place = self.rng.randrange(1, len(text) - 1)
        if kind == "swapped":
            return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
        if kind == "cut":
            return text[: max(3, len(text) * 2 // 3)]
        return text[:place] + self.rng.choice("aeioustnrl") + text[place + 1 :]

    def misread(self, number: str) -> str:
        """One digit wrong, two swapped, or one lost."""
        places = [i for i, c in enumerate(number) if c.isdigit()]
        if len(places) < 3:
            return number
        place = self.rng.choice(places[:-1])
        kind = self.rng.randrange(3)
        if kind == 0:
            return number[:place] + self.rng.choice("0123456789") + number[place + 1 :]
        if kind == 1:
            return number[:place] + number[place + 1] + number[place] + number[place + 2 :]
        return number[:place] + number[place + 1 :]

    def misdated(self, day: date) -> date:
        """A day and a month swapped, a day, month, year or decade beside it."""
        kind = self.rng.randrange(5)
        if kind == 0 and day.day <= 12:
            return date(day.year, day.day, day.month)
        if kind == 1:
            return day + timedelta(days=self.rng.choice((-1, 1, 10, -10)))
        if kind == 2:
            return day.replace(month=self.rng.randrange(1, 13), day=min(day.day, 28))
        years = self.rng.choice((-1, 1)) if kind == 3 else self.rng.choice((-10, 10))
        return day.replace(year=day.year + years, day=min(day.day, 28))

    def lacking(self, row: Mapping[str, str], missing: float | Mapping[str, float]) -> Row:
        """The row without what was not filled in."""
        shares = missing if isinstance(missing, Mapping) else dict.fromkeys(row, missing)
        return {k: v for k, v in row.items() if v and not self.chance(shares.get(k, 0.0))}

    def slipped(self, row: Mapping[str, str], slips: Mapping[str, float]) -> Row:
        """Names misspelled and numbers misread, each column at its own rate."""
        return {
            name: self._slip(value) if self.chance(slips.get(name, 0.0)) else value
            for name, value in row.items()
        }

    def _slip(self, value: str) -> str:
        digits = sum(c.isdigit() for c in value)
        return self.misread(value) if digits * 2 > len(value) else self.misspelled(value)


def plain(text: str) -> str:
    """Without accents, as old systems print."""
    bare = normalize("NFKD", text.replace("đ", "d").replace("Đ", "D").replace("ł", "l"))
    return "".join(c for c in bare if not combining(c)).replace("\u0131", "i")


def spelled_out(text: str) -> str:
    """Umlauts as two letters."""
    for letter, two in _SPELLED_OUT.items():
        text = text.replace(letter, two).replace(letter.upper(), two.title())
    return text
