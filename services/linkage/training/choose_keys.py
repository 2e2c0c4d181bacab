"""Which blocking keys a model may use: a first choice, the most new matches for the fewest pairs.

Every candidate is valued on a sample of its pairs, scored by the trained model; its cost is counted
exactly before it is taken, because a sample's cost ran up to 2.5 times over the budget. What was
taken early is not worth its pairs any more once finer keys find the same: settle_keys.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from services.linkage.model import Key
from services.linkage.training.candidate_keys import TokenColumn
from services.linkage.training.key_pairs import KEYS_MAX, KeyPairs
from services.linkage.training.key_sample import WHOLE_BASE, Base, KeySample, KeySampler
from services.linkage.training.pairs import Floats, Ints, is_among
from services.linkage.training.sessions import Allowed

_GAIN_MIN = 2e-4  # share of all matches a key must add
_COUNTED_MAX = 100  # candidates whose pairs are counted exactly
_FIRST_PAIRS_MAX = 500_000
_MORE_AT_FIRST = 10  # keys over their number that the first choice may take

MatchProbability = Callable[[Ints, Ints], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyBudget:
    """How much blocking may cost. `yield_min` is the share of matches among a key's own pairs.

    It falls evenly to nothing where all keys make fewer than `pairs_per_record_cheap`.
    """

    keys_max: int = 20
    pairs_per_record_max: int = 30
    pairs_per_record_cheap: float = 6.0
    yield_min: float = 0.005

    def yield_at(self, pairs_per_record: float) -> float:
        """The share that is asked for where the keys make so many pairs."""
        return self.yield_min * min(1.0, pairs_per_record / self.pairs_per_record_cheap)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyGain:
    """What a chosen key adds to those before it: pairs, and the matches expected among them.

    Pairs are counted as the base would have them a record, times the records at hand.
    """

    key: Key
    new_pairs: int
    new_matches: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPairs:
    """Pairs of the first choice of keys, or evenly drawn of them, and how many each stands for.

    Relatives are learned from these: the final keys make next to no pairs of relatives, and those
    that they do make have more in common than most.
    """

    left: Ints
    right: Ints
    stands_for: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenKeys:
    """The keys in the order chosen, and every pair they make as left row and right row."""

    gains: tuple[KeyGain, ...]
    first: FirstPairs
    left: Ints
    right: Ints
    candidate_count: int

    @property
    def keys(self) -> tuple[Key, ...]:
        return tuple(gain.key for gain in self.gains)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The first choice: numbers of candidates in the order taken, and the pairs they make."""

    sampler: KeySampler
    sample: KeySample
    budget: KeyBudget
    gain_min: float
    taken: tuple[int, ...]
    found: KeyPairs

    @property
    def keys(self) -> tuple[Key, ...]:
        return tuple(self.sample.keys[number] for number in self.taken)

    def first_pairs(self) -> FirstPairs:
        some, stands_for = self.found.some(_FIRST_PAIRS_MAX)
        count = self.sampler.record_count
        return FirstPairs(
            left=some.pairs // count,
            right=some.pairs % count,
            stands_for=stands_for,
        )


def draft_keys(
    tokens: Mapping[str, TokenColumn],
    *,
    record_count: int,
    block_limit: int,
    base: Base = WHOLE_BASE,
    matches_expected: float,
    allowed: Allowed,
    match_probability: MatchProbability,
    budget: KeyBudget,
) -> Draft:
    """Keys within the budget of the whole `base`, though only a part of it may be at hand.

    A pair costs once, however many keys make it.
    """
    sampler = KeySampler(
        tokens,
        record_count=record_count,
        block_limit=block_limit,
        allowed=allowed,
        pairs_max=budget.pairs_per_record_max * record_count,
    )
    sample = sampler.sample({})
    probability = _probability(sample, record_count, match_probability)
    if base.is_larger:  # how a key grows is known from its pairs, and decides which it keeps
        strangers = sample.strangers(probability)
        growth = {
            key: base.growth(key, strangers=float(share))
            for key, share in zip(sample.keys, strangers, strict=True)
        }
        sample = sampler.sample(growth)
        probability = _probability(sample, record_count, match_probability)
    return _greedy(
        sampler,
        sample,
        probability,
        budget=budget,
        gain_min=max(1.0, _GAIN_MIN * matches_expected),
    )


def keys_at_first(budget: KeyBudget) -> int:
    """More than may stay: the worst of them will go."""
    return min(budget.keys_max + _MORE_AT_FIRST, KEYS_MAX)


def sample_values(matches: Floats, cost: Floats, *, gain_min: float, yield_min: float) -> Floats:
    """New matches * sqrt(share of matches), 0 for what is not worth it.

    So neither tiny nor wasteful keys go first.
    """
    share = matches / (cost + 1)
    value: Floats = matches * np.sqrt(share)
    value[(matches < gain_min) | (share < yield_min)] = 0.0
    return value


def _probability(sample: KeySample, count: int, match_probability: MatchProbability) -> Floats:
    return match_probability(sample.pairs // count, sample.pairs % count)


def _greedy(
    sampler: KeySampler,
    sample: KeySample,
    probability: Floats,
    *,
    budget: KeyBudget,
    gain_min: float,
) -> Draft:
    """Take the key worth most, count its new pairs, value the rest anew, repeat."""
    seen = np.zeros(len(sample.pairs), dtype=np.bool_)
    possible = np.ones(len(sample.keys), dtype=np.bool_)
    found = KeyPairs()
    taken: list[int] = []
    keys_max = keys_at_first(budget)
    spent = 0.0
    for _ in range(_COUNTED_MAX):
        if len(taken) == keys_max:
            break
        matches, cost = sample.new(probability, seen)
        value = sample_values(matches, cost, gain_min=gain_min, yield_min=budget.yield_min)
        value[~possible] = 0.0
        if not value.any():
            break
        best = int(value.argmax())
        possible[best] = False
        growth = float(sample.growth[best])
        pairs = sampler.pairs(sample.keys[best], growth)
        more = found.new_among(pairs) * growth
        if spent + more > sampler.pairs_max:
            continue
        spent += more
        found.add(len(taken), pairs)
        taken.append(best)
        seen |= is_among(sample.pairs, pairs)
    return Draft(
        sampler=sampler,
        sample=sample,
        budget=budget,
        gain_min=gain_min,
        taken=tuple(taken),
        found=found,
    )
