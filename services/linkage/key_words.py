"""Blocking keys by name: which rule gave a record which keys, in words that people read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from services.linkage.features import Features, FeatureSpec
from services.linkage.keys import key_hash, tokens
from services.linkage.model import LinkageModel

_NAME_WORDS: Mapping[str, str] = {
    "g": "given name",
    "gc": "nickname group of the given name",
    "gm": "sound of the given name",
    "g3": "first three letters of the given name",
    "g1": "initial of the given name",
    "s": "surname",
    "sm": "sound of the surname",
    "s4": "first four letters of the surname",
    "s1": "initial of the surname",
    "mid": "middle name",
    "t": "a word of the name",
    "tt": "two words of the name",
}
_PART_WORDS: Mapping[str, str] = {
    "dmd": "month and day of {}",
    "dy": "year of {}",
    "dym": "year and month of {}",
    "dyd": "year and day of {}",
    "dsw": "{}, month and day in either order",
    "pa": "area of {}",
    "ak": "number and street of {}",
    "as": "street of {}",
    "an": "number of {}",
    "c4": "first four letters of {}",
    "eu": "{} before the @",
    "eu5": "first five letters of {}",
    "f7": "last seven digits of {}",
    "nh": "first four characters of {}",
    "nt": "last four characters of {}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleKeys:
    """One rule, the parts of a record it is made of, and the keys that it gave this record."""

    words: str
    keys: frozenset[int]


def rule_keys(features: Features, model: LinkageModel) -> Sequence[RuleKeys]:
    """Every rule of the model in its order; one for which the record lacks a part has no key."""
    found = tokens(features, model.spec)
    words = _words_of(model.spec)
    return [
        RuleKeys(
            words=" + ".join(words[name] for name in key),
            keys=frozenset(
                key_hash(key, values) for values in product(*(found.get(name, ()) for name in key))
            ),
        )
        for key in model.keys
    ]


def token_words(name: str, spec: FeatureSpec) -> str:
    """A token's name as people read it."""
    return _words_of(spec)[name]


def _words_of(spec: FeatureSpec) -> dict[str, str]:
    words = dict(_NAME_WORDS)
    for column, field in spec.numbered:
        said = field.replace("_", " ")
        words[column] = said
        prefix = column[0]
        words |= {
            column + part[1:]: text.format(said)
            for part, text in _PART_WORDS.items()
            if part[0] == prefix
        }
    return words
