"""Derived columns of one record: what the comparisons compare and the blocking keys are made of.

`derive` is a pure function of one record's values, so that a stream, a training run and a rebuild
agree. Column statistics it needs (is the day written first?) are frozen in the `FeatureSpec`.

Columns: `g` given name, `gc` its nickname group if it has exactly one, `gm` its sound, `gi` its
initials and those of its nicknames, `nk` numbers of its nickname groups; `s` surname, `sm` its
sound; `nt` all words of the name, `o` those other than g and s, `rest` those that are no middle
name either, `mid` first middle name, `scr` script (l spelt by sounds, o other), `gen` generation
(jr, sr, i ... iv), `genx` the generation where the name itself says it. Numbered: `d0` date of
birth, `p0` postcode, `a0` address, `c0` city, place or organisation, `e0` email, `f0` phone, `n0`
national id or other identifier, `x0` gender, `k0` category; their suffixes are told where they are
derived.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from services.identity.domain.kinds import Kind
from services.linkage import contacts
from services.linkage.dates import date_features, parse_date
from services.linkage.names import NameTexts, name_features

NORMALISER_VERSION = "2"
"""Raised with every change of what `derive` gives; a new version is a rebuild."""

Features = dict[str, str | list[str]]
"""Derived columns of one record; an absent key is null."""

Fields = tuple[tuple[str, Kind], ...]

_PREFIX = {
    Kind.DATE_OF_BIRTH: "d",
    Kind.POSTCODE: "p",
    Kind.ADDRESS_LINE: "a",
    Kind.CITY: "c",
    Kind.PLACE: "c",
    Kind.ORGANISATION: "c",
    Kind.EMAIL: "e",
    Kind.PHONE: "f",
    Kind.NATIONAL_ID: "n",
    Kind.IDENTIFIER: "n",
    Kind.GENDER: "x",
    Kind.CATEGORY: "k",
}
_SUFFIXES = {
    "d": ("", "_y", "_md", "_dm"),
    "p": ("", "_a"),
    "a": ("", "_t", "_n", "_s", "_k"),
    "e": ("", "_u"),
    "f": ("", "_7"),
}
NAME_KINDS = (Kind.GIVEN_NAME, Kind.SURNAME, Kind.FULL_NAME, Kind.MIDDLE_NAME, Kind.SUFFIX)
_NAME_COLUMNS = (
    "g", "gc", "gm", "gi", "nk", "s", "sm", "nt", "o", "rest", "mid", "scr", "gen", "genx",
)  # fmt: skip
_LISTS = frozenset({"gi", "nk", "nt", "o", "rest"})
_DERIVE: dict[str, Callable[[str, str], Features]] = {
    "p": contacts.postcode,
    "a": contacts.address,
    "c": contacts.place,
    "e": contacts.email,
    "f": contacts.phone,
    "n": contacts.national_id,
    "x": contacts.gender,
    "k": contacts.category,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSpec:
    """Which fields there are, and what had to be learned about them before one can be read.

    The `has_...` flags say which optional comparisons are worth making; `derive` ignores them.
    """

    fields: Fields
    day_first: frozenset[str] = frozenset()
    has_surname: bool = True
    has_rest: bool = False
    has_generation: bool = False
    numbered: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)
    """(column, field) of every field that is compared by itself, in the order of the columns."""
    has_names: bool = field(init=False, repr=False, compare=False)
    has_middle: bool = field(init=False, repr=False, compare=False)
    _names: tuple[tuple[str, int], ...] = field(init=False, repr=False, compare=False)
    _street_number: str | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kinds = {kind for _, kind in self.fields}
        has_names = not kinds.isdisjoint({Kind.GIVEN_NAME, Kind.SURNAME, Kind.FULL_NAME})
        object.__setattr__(self, "has_names", has_names)
        object.__setattr__(self, "has_middle", has_names and Kind.MIDDLE_NAME in kinds)
        place = {kind: number for number, kind in enumerate(NAME_KINDS)}
        names = tuple((name, place[kind]) for name, kind in self.fields if kind in place)
        object.__setattr__(self, "_names", names)
        object.__setattr__(self, "numbered", tuple(_number(self.fields)))
        street = (f for f, kind in self.fields if kind is Kind.STREET_NUMBER)
        object.__setattr__(self, "_street_number", next(street, None))

    @property
    def columns(self) -> dict[str, bool]:
        """Every derived column, and whether it holds a list of words."""
        names = _NAME_COLUMNS if self.has_names else ()
        columns = {name: name in _LISTS for name in names}
        for column, _ in self.numbered:
            for suffix in _SUFFIXES.get(column[0], ("",)):
                columns[column + suffix] = suffix == "_t"
        return columns

    def name_texts(self, values: Mapping[str, str]) -> NameTexts:
        texts: tuple[list[str], ...] = ([], [], [], [], [])
        for name, place in self._names:
            text = values.get(name)
            if text is not None:
                texts[place].append(text)
        given, surname, full, middle, suffix = texts  # in the order of NAME_KINDS
        return NameTexts(
            given=given,
            surname=surname,
            full=full,
            middle=middle,
            suffix=suffix,
            has_middle=self.has_middle,
        )

    def text(self, values: Mapping[str, str], *, column: str, field_name: str) -> str | None:
        """The text of a numbered column; the first address line is joined with its number."""
        text = values.get(field_name)
        if text is None or column != "a0" or self._street_number is None:
            return text
        number = values.get(self._street_number)
        return text if number is None else f"{number} {text}"


def _number(fields: Fields) -> Iterable[tuple[str, str]]:
    for prefix in dict.fromkeys(_PREFIX.values()):
        found = [name for name, kind in fields if _PREFIX.get(kind) == prefix]
        for number, name in enumerate(found):
            yield f"{prefix}{number}", name


def derive(values: Mapping[str, str], spec: FeatureSpec) -> Features:
    """The derived columns of one record. Same values and spec, same columns, always."""
    features: Features = name_features(spec.name_texts(values)) if spec.has_names else {}
    for column, field_name in spec.numbered:
        text = spec.text(values, column=column, field_name=field_name)
        if text is None:
            continue
        if column[0] == "d":
            parts = parse_date(text, day_first=field_name in spec.day_first)
            if parts is not None:
                features.update(date_features(column, parts))
        else:
            features.update(_DERIVE[column[0]](column, text))
    return features
