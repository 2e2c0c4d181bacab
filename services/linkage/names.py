"""What a record's name fields say: given name, surname, other words, generation, script."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from jellyfish import metaphone

from services.linkage import nicknames
from services.linkage.folding import CACHE_MAX, ascii_word, fold, is_spelt, split

WORDS_MAX = 16
"""Words of one name that are read; more than this is a text, not a name."""

_TITLE_WORDS = """
mr mrs ms miss dr prof professor rev reverend sir lady lord dame hon captain capt colonel col major
general sergeant sgt saint st baron baroness earl viscount duke duchess count countess marquess 1st
2nd 3rd 4th 5th 6th 7th 8th 9th 10th 11th 12th of the de la und von van der den del di da y and esq
"""
_PLACEHOLDER_WORDS = """
unknown unk none na null nil refused declined anonymous test anon nn xxx baby infant child boy girl
son daughter wife husband spouse mother father mom dad self minor hija hijo esposa esposo nina nino
"""
TITLES = frozenset(_TITLE_WORDS.split())
PLACEHOLDERS = frozenset(_PLACEHOLDER_WORDS.split())
_SAME_GENERATION = {"i": "sr", "ii": "jr"}
GENERATIONS = {
    "jr": "jr", "junior": "jr", "sr": "sr", "senior": "sr",
    "i": "i", "ii": "ii", "iii": "iii", "iv": "iv",
}  # fmt: skip
_IGNORED = TITLES | PLACEHOLDERS
_APOSTROPHES = str.maketrans("", "", "'\u2019\u02bc`")
_DIGITS_AS_LETTERS = str.maketrans("01345789", "oleastbg")
_MIXED = re.compile(r"(?=.*\d)(?=.*[^\W\d_])")
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)")


@dataclass(frozen=True, slots=True, kw_only=True)
class NameText:
    """One name field as read: its words in ASCII, and whether any is spelt by its sounds."""

    words: tuple[str, ...]
    generation: str | None
    is_spelt: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenName:
    """What follows from a given name alone."""

    nicknames: tuple[str, ...]
    initials: tuple[str, ...]
    canonical: str
    sound: str


def _raw_words(text: str) -> list[str]:
    folded = fold(text).translate(_APOSTROPHES)
    found = split(folded)[:WORDS_MAX]
    if not any(c.isdigit() for c in folded):
        return found
    return [
        w.translate(_DIGITS_AS_LETTERS) if _MIXED.match(w) and not _ORDINAL.fullmatch(w) else w
        for w in found
    ]


def _read(raw: list[str]) -> NameText:
    generation = None
    if len(raw) > 1 and raw[-1] in GENERATIONS:
        generation = GENERATIONS[raw[-1]]
        raw = raw[:-1]
    kept = [word for word in raw if word not in _IGNORED]
    return NameText(
        words=tuple(plain for word in kept if (plain := ascii_word(word))),
        generation=generation,
        is_spelt=any(is_spelt(word) for word in kept),
    )


@lru_cache(maxsize=CACHE_MAX)
def read_name(text: str) -> NameText:
    """A field that holds one part of a name."""
    return _read(_raw_words(text))


@lru_cache(maxsize=CACHE_MAX)
def read_full_name(text: str) -> NameText:
    """A field that holds the whole name; "Smith, John" is read as "John Smith"."""
    if text.count(",") != 1:
        return read_name(text)
    before, after = (_raw_words(part) for part in text.split(","))
    generation: list[str] = []
    # A lone "I" behind the comma is an initial: nobody is called only "the first".
    if after and after[-1] in GENERATIONS and after != ["i"]:
        generation = [after.pop()]
    return _read([*after, *before, *generation])


def same_generation(generation: str) -> str:
    """One word for each: the first of a name is its senior, the second its junior."""
    return _SAME_GENERATION.get(generation, generation)


def read_generation(text: str) -> str | None:
    """The generation that a suffix field names, if it is one."""
    return GENERATIONS.get(fold(text).strip("."))


@lru_cache(maxsize=CACHE_MAX)
def given_name(name: str) -> GivenName:
    numbers = nicknames.groups_of_name().get(name, ())
    members = (nicknames.groups()[number] for number in numbers)
    initials = {name[0]} | {member[0] for group in members for member in group}
    return GivenName(
        nicknames=tuple(str(number) for number in numbers),
        initials=tuple(sorted(initials)),
        canonical=f"{numbers[0]}*" if len(numbers) == 1 else name,
        sound=sound(name),
    )


@lru_cache(maxsize=CACHE_MAX)
def sound(name: str) -> str:
    """The metaphone code; a name that has none (digits) sounds like itself."""
    return metaphone(name) or name


@dataclass(frozen=True, slots=True, kw_only=True)
class NameTexts:
    """The values of a record's name fields, kind by kind, nulls left out."""

    given: Iterable[str]
    surname: Iterable[str]
    full: Iterable[str]
    middle: Iterable[str]
    suffix: Iterable[str]
    has_middle: bool


def name_features(texts: NameTexts) -> dict[str, str | list[str]]:
    """The derived columns of the names; see `features.py` for what each is."""
    given = [read_name(text) for text in texts.given]
    surname = [read_name(text) for text in texts.surname]
    middle = [read_name(text) for text in texts.middle]
    given_words, surname_words = _words(given), _words(surname)
    read = read_name if given_words or surname_words else read_full_name
    full = [read(text) for text in texts.full]
    full_words, middle_words = _words(full), _words(middle)
    if full_words and not given_words:
        given_words = [word for word in full_words[:1] if word not in surname_words]
        if not surname_words:
            surname_words = full_words[-1:] if len(full_words) > 1 else []
    features = _parts(given_words, surname_words)
    every = [*given, *surname, *middle, *full]
    distinct = {*given_words, *middle_words, *full_words, *surname_words}
    if distinct:
        features["nt"] = sorted(distinct)
        features["scr"] = "l" if any(name.is_spelt for name in every) else "o"
        if others := distinct - {features.get("g"), features.get("s")}:
            features["o"] = sorted(others)
            if rest := others.difference(middle_words):
                features["rest"] = sorted(rest)
    if texts.has_middle and (first := (middle_words or given_words[1:])[:1]):
        features["mid"] = first[0]
    _add_generation(features, names=every, suffixes=texts.suffix)
    return features


def _words(names: list[NameText]) -> list[str]:
    words: list[str] = []
    for name in names:
        words += name.words
    return words


def _parts(given_words: list[str], surname_words: list[str]) -> dict[str, str | list[str]]:
    features: dict[str, str | list[str]] = {}
    if given_words:
        given = given_name(given_words[0])
        features["g"] = given_words[0]
        features["gc"] = given.canonical
        features["gm"] = given.sound
        features["gi"] = list(given.initials)
        if given.nicknames:
            features["nk"] = list(given.nicknames)
    if surname_words:
        features["s"] = surname_words[-1]
        features["sm"] = sound(surname_words[-1])
    return features


def _add_generation(
    features: dict[str, str | list[str]], *, names: list[NameText], suffixes: Iterable[str]
) -> None:
    """`genx` is what the name itself says; a suffix field only adds to `gen`."""
    generation = None
    for name in names:
        generation = name.generation or generation
    if generation is not None:
        features["genx"] = generation
    for text in suffixes:
        generation = read_generation(text) or generation
    if generation is not None:
        features["gen"] = generation
