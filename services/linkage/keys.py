"""Which pairs are worth comparing: the tokens of a record, and its blocking keys made of them.

A token is a part of a record that two records of one person are likely to share. A blocking rule
is a conjunction of tokens that training chose; a key is the hash of the values that a record has
under one rule. The same code serves training and stream, so that they agree by construction.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import combinations, product
from struct import unpack

from services.linkage.features import Features, FeatureSpec
from services.linkage.model import Key, LinkageModel

WORDS_OF_PAIRS_MAX = 6
"""Of a longer name only the first six words in alphabetical order are paired."""
RULE_VALUES_MAX = 15
"""Keys that one rule may give one record: as many as six words have pairs."""
_WORD_CHARACTERS_MIN = 2  # an initial blocks half of all people
_SEPARATOR = "\x1f"

IDENTIFYING, SELECTIVE, COARSE = 3, 2, 1
"""Strengths of tokens: how few records share a value."""

ReadToken = Callable[[Features], Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What training must know of a token: tokens of one group say nothing new together.

    A token of several values gives a record one key for each.
    """

    name: str
    groups: frozenset[str]
    strength: int
    is_multiple: bool = False


def token_catalogue(spec: FeatureSpec) -> tuple[Token, ...]:
    """All tokens that records of these fields can have, in a fixed order."""
    return tuple(token for token, _ in _catalogue(spec))


def token_readers(spec: FeatureSpec) -> tuple[tuple[Token, ReadToken], ...]:
    """Every token with what reads its values; for many records, one token after the other."""
    return _catalogue(spec)


def tokens(features: Features, spec: FeatureSpec) -> dict[str, list[str]]:
    """Every token of one record with its values; a token without a value is left out."""
    found = ((token.name, list(read(features))) for token, read in _catalogue(spec))
    return {name: values for name, values in found if values}


def rule_name(key: Key) -> str:
    return "+".join(key)


def key_hash(key: Key, values: Iterable[str]) -> int:
    """A signed 64-bit hash of the rule and the values of its tokens."""
    (hashed,) = _hashes([rule_name(key) + _SEPARATOR + _SEPARATOR.join(values)])
    return hashed


class KeyMaker:
    """The rules of one model, compiled once: makes the keys of one record after the other."""

    def __init__(self, model: LinkageModel) -> None:
        readers = _readers(model.spec)
        names = tuple(dict.fromkeys(name for key in model.keys for name in key))
        place = {name: index for index, name in enumerate(names)}
        self._readers = tuple(readers[name] for name in names)
        self._rules = tuple(
            (rule_name(key) + _SEPARATOR, tuple(place[name] for name in key)) for key in model.keys
        )

    def keys_of(self, features: Features) -> list[int]:
        """Sorted and distinct: at most RULE_VALUES_MAX a rule."""
        values = [read(features) for read in self._readers]
        contents: list[str] = []
        for prefix, places in self._rules:
            found = values[places[0]]
            if not found:
                continue
            if len(places) == 1:
                for value in found:
                    contents.append(prefix + value)  # noqa: PERF401  # on the path of every record
            elif len(places) == 2:  # noqa: PLR2004  # most rules; a product costs twice as much
                for other in values[places[1]]:
                    for value in found:
                        contents.append(prefix + value + _SEPARATOR + other)  # noqa: PERF401
            else:
                for each in product(*[values[place] for place in places]):
                    contents.append(prefix + _SEPARATOR.join(each))  # noqa: PERF401
        return sorted(set(_hashes(contents)))


def blocking_keys(features: Features, model: LinkageModel) -> list[int]:
    """The keys of one record; for many records make one KeyMaker."""
    return KeyMaker(model).keys_of(features)


def _hashes(contents: Sequence[str]) -> list[int]:
    """Even numbers: odd ones are keys of identifiers (domain/identifiers.py)."""
    digests = [blake2b(each.encode(), digest_size=8).digest() for each in contents]
    return [key & ~1 for key in unpack(f">{len(digests)}q", b"".join(digests))]


@lru_cache(maxsize=16)
def _catalogue(spec: FeatureSpec) -> tuple[tuple[Token, ReadToken], ...]:
    return tuple(_drafts(spec))


@lru_cache(maxsize=16)
def _readers(spec: FeatureSpec) -> Mapping[str, ReadToken]:
    return {token.name: read for token, read in _catalogue(spec)}


def _drafts(spec: FeatureSpec) -> Iterator[tuple[Token, ReadToken]]:
    if spec.has_names:
        yield from _of_names(spec)
    for column, _ in spec.numbered:
        for suffix, strength, read in _OF_PREFIX[column[0]](column):
            # Two postcodes, or a date's parts, would only repeat one another.
            group = column[0] if column[0] in "dp" else column
            yield _token(column + suffix, group, strength), read
    if spec.has_names:
        both = frozenset("gs")
        words = Token(name="t", groups=both, strength=SELECTIVE, is_multiple=True)
        yield words, _words
        pairs = Token(name="tt", groups=both, strength=IDENTIFYING, is_multiple=True)
        yield pairs, _word_pairs


def _token(name: str, group: str, strength: int) -> Token:
    return Token(name=name, groups=frozenset({group}), strength=strength)


_Draft = tuple[str, int, ReadToken]
"""Suffix of the token's name, strength, and how it is read."""


def _of_names(spec: FeatureSpec) -> Iterator[tuple[Token, ReadToken]]:
    yield _token("g", "g", SELECTIVE), _whole("g")
    yield _token("gc", "g", SELECTIVE), _whole("gc")
    yield _token("gm", "g", SELECTIVE), _whole("gm")
    yield _token("g3", "g", COARSE), _part("g", stop=3)
    yield _token("g1", "g", COARSE), _part("g", stop=1)
    if spec.has_surname:
        yield _token("s", "s", SELECTIVE), _whole("s")
        yield _token("sm", "s", SELECTIVE), _whole("sm")
        yield _token("s4", "s", SELECTIVE), _part("s", stop=4)
        yield _token("s1", "s", COARSE), _part("s", stop=1)
    if spec.has_middle:
        yield _token("mid", "mid", COARSE), _whole("mid")


def _text(features: Features, column: str) -> str:
    """A text column's value, empty for null."""
    value = features.get(column)
    return value if isinstance(value, str) else ""


def _whole(column: str) -> ReadToken:
    def read(features: Features) -> Sequence[str]:
        value = features.get(column)
        return (value,) if value else ()  # type: ignore[return-value]  # a text column holds text

    return read


def _part(column: str, start: int = 0, stop: int | None = None) -> ReadToken:
    def read(features: Features) -> Sequence[str]:
        value = _text(features, column)[start:stop]
        return (value,) if value else ()

    return read


def _words(features: Features) -> Sequence[str]:
    words = features.get("nt", ())
    return [word for word in words if len(word) >= _WORD_CHARACTERS_MIN][:RULE_VALUES_MAX]


def _word_pairs(features: Features) -> Sequence[str]:
    words = features.get("nt", ())[:WORDS_OF_PAIRS_MAX]
    return ["|".join(pair) for pair in combinations(words, 2)]


def _date(d: str) -> tuple[_Draft, ...]:
    def year_day(features: Features) -> Sequence[str]:
        date = _text(features, d)
        return (date[:4] + date[8:],) if date else ()

    def year_and_either_order(features: Features) -> Sequence[str]:
        if not _text(features, d):
            return ()
        orders = _text(features, f"{d}_md"), _text(features, f"{d}_dm")
        return (_text(features, f"{d}_y") + min(orders),)

    return (
        ("", IDENTIFYING, _whole(d)),
        ("md", SELECTIVE, _whole(f"{d}_md")),
        ("y", COARSE, _whole(f"{d}_y")),
        ("ym", SELECTIVE, _part(d, stop=7)),
        ("yd", SELECTIVE, year_day),
        ("sw", SELECTIVE, year_and_either_order),
    )


def _postcode(p: str) -> tuple[_Draft, ...]:
    return (("", IDENTIFYING, _whole(p)), ("a", COARSE, _whole(f"{p}_a")))


def _address(a: str) -> tuple[_Draft, ...]:
    return (
        ("", IDENTIFYING, _whole(a)),
        ("k", IDENTIFYING, _whole(f"{a}_k")),
        ("s", SELECTIVE, _whole(f"{a}_s")),
        ("n", COARSE, _whole(f"{a}_n")),
    )


def _city(c: str) -> tuple[_Draft, ...]:
    return (("", COARSE, _whole(c)), ("4", COARSE, _part(c, stop=4)))


def _email(e: str) -> tuple[_Draft, ...]:
    user = f"{e}_u"
    return (
        ("", IDENTIFYING, _whole(e)),
        ("u", IDENTIFYING, _whole(user)),
        ("u5", SELECTIVE, _part(user, stop=5)),
    )


def _phone(f: str) -> tuple[_Draft, ...]:
    return (("", IDENTIFYING, _whole(f)), ("7", IDENTIFYING, _whole(f"{f}_7")))


def _id(n: str) -> tuple[_Draft, ...]:
    return (
        ("", IDENTIFYING, _whole(n)),
        ("h", SELECTIVE, _part(n, stop=4)),
        ("t", SELECTIVE, _part(n, start=-4)),
    )


def _category(k: str) -> tuple[_Draft, ...]:
    return (("", COARSE, _whole(k)),)


_OF_PREFIX: dict[str, Callable[[str], tuple[_Draft, ...]]] = {
    "d": _date,
    "p": _postcode,
    "a": _address,
    "c": _city,
    "e": _email,
    "f": _phone,
    "n": _id,
    "x": _category,
    "k": _category,
}
