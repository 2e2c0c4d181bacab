"""The pairs of candidate keys: all of one key, or a sample of every key's, drawn evenly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.linkage.model import Key
from services.linkage.training.candidate_keys import TokenColumn, candidate_keys, key_blocks
from services.linkage.training.pairs import (
    Blocks,
    Floats,
    Ints,
    ascending,
    pairs_in,
    sample_pairs,
    some_at_once,
)
from services.linkage.training.sessions import Allowed

_SAMPLE_PER_KEY = (300, 2_000)
_SAMPLE_MAX = 600_000
_SEED = 11
_PAIRS_MADE_AT_ONCE = 500_000  # six copies of each are held for a moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The base that the keys are for, beside the training records.

    They are a `fraction` of the records at hand, drawn so that whole groups of the token `whole`
    were kept, and the base to come is `times` as large as what is at hand. A record then meets that
    many more strangers under a key; its own other records and its relatives stay as many.
    """

    fraction: float = 1.0
    whole: str | None = None
    times: float = 1.0

    @property
    def is_larger(self) -> bool:
        return self.fraction < 1 or self.times > 1

    def growth(self, key: Key, *, strangers: float) -> float:
        """How many times as many pairs the key makes in that base; `strangers` is their share."""
        ratio = self.times if self.whole in key else self.times / self.fraction
        return 1 + strangers * (ratio - 1)


WHOLE_BASE = Base()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySample:
    """Distinct sampled pairs, and for every draw its pair, its key and the pairs it stands for.

    `growth` says how many times as many pairs each key makes in the base to come.
    """

    keys: tuple[Key, ...]
    growth: Floats
    pairs: Ints
    drawn: Ints
    key_of_draw: Ints
    stands_for: Floats

    def new(self, probability: Floats, found: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Of every key the matches expected among pairs not yet found, and what these cost."""
        new = ~found[self.drawn]
        weight, keys = self.stands_for[new], self.key_of_draw[new]
        likely = probability[self.drawn[new]]
        matches = np.bincount(keys, weights=weight * likely, minlength=len(self.keys))
        pairs = np.bincount(keys, weights=weight, minlength=len(self.keys))
        return matches.astype(np.float64), pairs * self.growth

    def strangers(self, probability: Floats) -> Floats:
        """Of every key the share of pairs that do not match."""
        nothing = np.zeros(len(self.pairs), dtype=np.bool_)
        matches, cost = self.new(probability, nothing)
        pairs = cost / self.growth
        share: Floats = 1 - matches / np.maximum(pairs, 1e-9)
        return np.clip(share, 0.0, 1.0)


class KeySampler:
    """Makes the pairs of a key, sampled or all; a pair is left * record_count + right."""

    def __init__(
        self,
        tokens: Mapping[str, TokenColumn],
        *,
        record_count: int,
        block_limit: int,
        allowed: Allowed,
        pairs_max: float,
    ) -> None:
        self.record_count = record_count
        self.pairs_max = pairs_max
        self._tokens = tokens
        self._block_limit = block_limit
        self._allowed = allowed

    def pairs(self, key: Key, growth: float) -> Ints:
        """All of them, ascending and distinct."""
        parts = [np.zeros(0, dtype=np.int64)]
        for blocks in some_at_once(self._blocks(key, growth), pairs_max=_PAIRS_MADE_AT_ONCE):
            left, right = pairs_in(blocks)
            kept = self._allowed(left, right)
            parts.append(left[kept] * self.record_count + right[kept])
        return ascending(np.concatenate(parts))

    def sample(self, growth: Mapping[Key, float]) -> KeySample:
        """Some pairs of every candidate that is not too expensive; a key not named does not grow.

        Only blocks that stay below the limit of holders in the base to come.
        """
        rng = np.random.default_rng(_SEED)
        candidates = candidate_keys(self._tokens)
        low, high = _SAMPLE_PER_KEY
        per_key = max(low, min(high, _SAMPLE_MAX // max(len(candidates), 1)))
        keys: list[Key] = []
        drawn: list[Ints] = []
        stands_for: list[Floats] = []
        for key in candidates:
            blocks = self._blocks(key, growth.get(key, 1.0))
            if not 0 < blocks.pair_count * growth.get(key, 1.0) <= self.pairs_max:
                continue
            left, right, weight = sample_pairs(blocks, pairs_max=per_key, rng=rng)
            kept = self._allowed(left, right)
            left, right = left[kept], right[kept]
            keys.append(key)
            drawn.append(left * self.record_count + right)
            stands_for.append(weight / self._times_met(key, blocks, left, right))
        return _gather(keys, growth, drawn, stands_for)

    def _blocks(self, key: Key, growth: float) -> Blocks:
        limit = max(int(self._block_limit / growth), 2)
        return key_blocks(key, self._tokens, record_count=self.record_count, block_limit=limit)

    def _times_met(self, key: Key, blocks: Blocks, left: Ints, right: Ints) -> Floats:
        """In how many blocks each pair stands: one, unless a token has several values."""
        if not any(self._tokens[name].token.is_multiple for name in key):
            return np.ones(len(left))
        members = np.repeat(np.arange(len(blocks.sizes)), blocks.sizes)
        firsts = np.repeat(blocks.starts - np.cumsum(blocks.sizes) + blocks.sizes, blocks.sizes)
        rows = blocks.rows[firsts + np.arange(len(firsts))]
        wanted = np.isin(rows, np.union1d(left, right))
        blocks_of_row: dict[int, set[int]] = {}
        for row, block in zip(rows[wanted].tolist(), members[wanted].tolist(), strict=True):
            blocks_of_row.setdefault(row, set()).add(block)
        pairs = zip(left.tolist(), right.tolist(), strict=True)
        times = [len(blocks_of_row[a] & blocks_of_row[b]) for a, b in pairs]
        return np.array(times, dtype=np.float64)


def _gather(
    keys: Sequence[Key],
    growth: Mapping[Key, float],
    drawn: Sequence[Ints],
    stands_for: Sequence[Floats],
) -> KeySample:
    lengths = [len(pairs) for pairs in drawn]
    every = np.concatenate([np.zeros(0, dtype=np.int64), *drawn])
    distinct = ascending(every)
    return KeySample(
        keys=tuple(keys),
        growth=np.array([growth.get(key, 1.0) for key in keys], dtype=np.float64),
        pairs=distinct,
        drawn=np.searchsorted(distinct, every),
        key_of_draw=np.repeat(np.arange(len(drawn)), lengths),
        stands_for=np.concatenate([np.zeros(0), *stands_for]),
    )
