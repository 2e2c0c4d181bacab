"""Which blocking keys a model uses: the most new matches for the fewest new pairs.

Every candidate is valued on a sample of its pairs, scored by the trained model; its cost is counted
exactly before it is taken, because a sample's cost ran up to 2.5 times over the budget.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.linkage.model import Key
from services.linkage.training.candidate_keys import TokenColumn, candidate_keys, key_blocks
from services.linkage.training.pairs import Blocks, Floats, Ints, pairs_in, sample_pairs
from services.linkage.training.sessions import Allowed

_SAMPLE_PER_KEY = (300, 2_000)
_SAMPLE_MAX = 600_000
_GAIN_MIN = 2e-4  # share of all matches a key must add
_COUNTED_MAX = 100  # candidates whose pairs are counted exactly
_SEED = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyBudget:
    """How much blocking may cost. `yield_min` is the share of matches among a key's new pairs."""

    keys_max: int = 20
    pairs_per_record_max: int = 30
    yield_min: float = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyGain:
    """What a chosen key adds to those before it: pairs, and the matches expected among them.

    Pairs are counted as the whole base would have them a record, times the records at hand.
    """

    key: Key
    new_pairs: int
    new_matches: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenKeys:
    """The keys in the order chosen, and every pair they make as left row and right row."""

    gains: tuple[KeyGain, ...]
    left: Ints
    right: Ints
    candidate_count: int

    @property
    def keys(self) -> tuple[Key, ...]:
        return tuple(gain.key for gain in self.gains)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """Distinct sampled pairs, and for every draw its pair, its key and the pairs it stands for."""

    pairs: Ints
    draws: Ints
    keys: Ints
    stands_for: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The base that the training records are a part of.

    They are a `fraction` of it, drawn so that whole groups of the token `whole` were kept. In the
    base a block of any other key is 1 / fraction times as large: it reaches the limit of holders
    sooner, and each record meets that many more.
    """

    fraction: float = 1.0
    whole: str | None = None

    def growth(self, key: Key) -> float:
        return 1.0 if self.whole in key else 1 / self.fraction


WHOLE_BASE = Base()


def choose_keys(
    tokens: Mapping[str, TokenColumn],
    *,
    record_count: int,
    block_limit: int,
    base: Base = WHOLE_BASE,
    matches_expected: float,
    allowed: Allowed,
    match_probability: Callable[[Ints, Ints], Floats],
    budget: KeyBudget,
) -> ChosenKeys:
    """Choose keys within the budget; a pair costs once, however many keys make it.

    The budget is that of the whole `base`, though only a part of its records is at hand.
    """
    chooser = _Chooser(tokens, record_count, block_limit, allowed, budget, base)
    keys, sample = chooser.sample()
    probability = match_probability(sample.pairs // record_count, sample.pairs % record_count)
    gains, pairs = _greedy(
        keys,
        sample,
        probability[sample.draws],
        chooser=chooser,
        gain_min=max(1.0, _GAIN_MIN * matches_expected),
    )
    return ChosenKeys(
        gains=tuple(gains),
        left=pairs // record_count,
        right=pairs % record_count,
        candidate_count=len(keys),
    )


class _Chooser:
    """Makes the pairs of a key, sampled or all; a pair is left * record_count + right."""

    def __init__(
        self,
        tokens: Mapping[str, TokenColumn],
        record_count: int,
        block_limit: int,
        allowed: Allowed,
        budget: KeyBudget,
        base: Base,
    ) -> None:
        self.tokens = tokens
        self.record_count = record_count
        self.block_limit = block_limit
        self.allowed = allowed
        self.budget = budget
        self.base = base
        self.pairs_max = budget.pairs_per_record_max * record_count

    def blocks(self, key: Key) -> Blocks:
        """Those that stay below the limit of holders in the whole base."""
        limit = max(int(self.block_limit / self.base.growth(key)), 2)
        return key_blocks(key, self.tokens, record_count=self.record_count, block_limit=limit)

    def pairs(self, key: Key) -> Ints:
        blocks = self.blocks(key)
        left, right = pairs_in(blocks)
        kept = self.allowed(left, right)
        return np.unique(left[kept] * self.record_count + right[kept])

    def sample(self) -> tuple[list[Key], _Sample]:
        rng = np.random.default_rng(_SEED)
        candidates = candidate_keys(self.tokens)
        low, high = _SAMPLE_PER_KEY
        per_key = max(low, min(high, _SAMPLE_MAX // max(len(candidates), 1)))
        keys: list[Key] = []
        drawn: list[Ints] = []
        stands_for: list[Floats] = []
        for key in candidates:
            blocks = self.blocks(key)
            if not 0 < blocks.pair_count * self.base.growth(key) <= self.pairs_max:
                continue
            left, right, weight = sample_pairs(blocks, pairs_max=per_key, rng=rng)
            kept = self.allowed(left, right)
            left, right = left[kept], right[kept]
            keys.append(key)
            drawn.append(left * self.record_count + right)
            stands_for.append(weight / self._times_met(key, blocks, left, right))
        return keys, _gather(drawn, stands_for)

    def _times_met(self, key: Key, blocks: Blocks, left: Ints, right: Ints) -> Floats:
        """In how many blocks each pair stands: one, unless a token has several values."""
        if not any(self.tokens[name].token.is_multiple for name in key):
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


def _gather(drawn: Sequence[Ints], stands_for: Sequence[Floats]) -> _Sample:
    lengths = [len(pairs) for pairs in drawn]
    every = np.concatenate([np.zeros(0, dtype=np.int64), *drawn])
    distinct, draws = np.unique(every, return_inverse=True)
    return _Sample(
        pairs=distinct,
        draws=draws,
        keys=np.repeat(np.arange(len(drawn)), lengths),
        stands_for=np.concatenate([np.zeros(0), *stands_for]),
    )


def _greedy(
    keys: Sequence[Key],
    sample: _Sample,
    probability: Floats,
    *,
    chooser: _Chooser,
    gain_min: float,
) -> tuple[list[KeyGain], Ints]:
    """Take the key worth most, count its new pairs, value the rest anew, repeat."""
    found = np.zeros(len(sample.pairs), dtype=np.bool_)
    possible = np.ones(len(keys), dtype=np.bool_)
    pairs = np.zeros(0, dtype=np.int64)
    gains: list[KeyGain] = []
    growth = np.array([chooser.base.growth(key) for key in keys])
    spent = 0.0
    for _ in range(_COUNTED_MAX):
        if len(gains) == chooser.budget.keys_max:
            break
        matches, value, share = _values(sample, probability, found, growth)
        worth = possible & (matches >= gain_min) & (share >= chooser.budget.yield_min)
        value[~worth] = 0.0
        best = int(value.argmax()) if len(value) else 0
        if not len(value) or value[best] <= 0:
            break
        possible[best] = False
        new = np.setdiff1d(chooser.pairs(keys[best]), pairs, assume_unique=True)
        cost = len(new) * float(growth[best])
        if spent + cost > chooser.pairs_max:
            continue
        spent += cost
        pairs = np.union1d(pairs, new)
        found |= np.isin(sample.pairs, new, assume_unique=True)
        gain = KeyGain(key=keys[best], new_pairs=round(cost), new_matches=float(matches[best]))
        gains.append(gain)
    return gains, pairs


def _values(
    sample: _Sample, probability: Floats, found: npt.NDArray[np.bool_], growth: Floats
) -> tuple[Floats, Floats, Floats]:
    """New matches of every key, its value, and the share of matches among its new pairs.

    The value is new matches * sqrt(share): so neither tiny nor wasteful keys go first.
    """
    new = ~found[sample.draws]
    weight = sample.stands_for[new]
    keys = sample.keys[new]
    matches: Floats = np.bincount(
        keys, weights=weight * probability[new], minlength=len(growth)
    ).astype(np.float64)
    cost = np.bincount(keys, weights=weight, minlength=len(growth)) * growth
    share: Floats = matches / (cost + 1)
    value: Floats = matches * np.sqrt(share)
    return matches, value, share
