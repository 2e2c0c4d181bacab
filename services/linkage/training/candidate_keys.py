"""Blocking keys that could be chosen: conjunctions of one to three tokens, with their pairs."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.linkage.keys import IDENTIFYING, SELECTIVE, Token
from services.linkage.model import Key
from services.linkage.training.pairs import Blocks, Coded, blocks_of, conjunction

_TOKENS_MAX = 48  # the best filled; with a hundred columns their triples alone would be 160,000
_TRIPLE_STRENGTH_MAX = 5  # two selective tokens and a coarse one; more is a pair with decoration
_PAIR_STRENGTH_MIN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenColumn:
    """A token, and its values over all training records."""

    token: Token
    coded: Coded


def candidate_keys(tokens: Mapping[str, TokenColumn]) -> list[Key]:
    """Single tokens that select, pairs that identify, triples that need all three."""
    names = sorted(tokens, key=lambda name: (-len(tokens[name].coded.rows), name))[:_TOKENS_MAX]
    kept = [column.token for name, column in tokens.items() if name in set(names)]
    keys: list[Key] = [(token.name,) for token in kept if token.strength >= SELECTIVE]
    for size in (2, 3):
        for chosen in itertools.combinations(kept, size):
            if _worth_trying(chosen):
                ordered = sorted(chosen, key=lambda token: not token.is_multiple)
                keys.append(tuple(token.name for token in ordered))
    return keys


def _worth_trying(chosen: Sequence[Token]) -> bool:
    groups = [group for token in chosen for group in token.groups]
    if len(groups) != len(set(groups)) or sum(token.is_multiple for token in chosen) > 1:
        return False
    strengths = [token.strength for token in chosen]
    if len(chosen) == 2:  # noqa: PLR2004 - pairs and triples have rules of their own
        return sum(strengths) >= _PAIR_STRENGTH_MIN
    return IDENTIFYING not in strengths and sum(strengths) <= _TRIPLE_STRENGTH_MAX


def key_blocks(
    key: Key, tokens: Mapping[str, TokenColumn], *, record_count: int, block_limit: int
) -> Blocks:
    """The groups of records that share the key, without those over the limit."""
    parts = [tokens[name].coded for name in key]
    return blocks_of(conjunction(parts, record_count=record_count), size_max=block_limit)
