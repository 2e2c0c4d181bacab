"""The final choice of blocking keys: those not worth their own pairs go, better ones come.

A wide key is taken first, as it finds most; once finer ones find the same, all that is left to it
are pairs of strangers. What a key is worth is therefore judged again beside all others, by the
pairs that it alone makes: they are counted, and the matches among them are expected by a model that
knows of relatives. Where all keys make next to no pairs, pairs of strangers cost next to nothing.
"""

import numpy as np

from services.linkage.training.choose_keys import (
    ChosenKeys,
    Draft,
    FirstPairs,
    KeyGain,
    MatchProbability,
    keys_at_first,
    sample_values,
)
from services.linkage.training.key_pairs import KEYS_MAX, KeyPairs
from services.linkage.training.pairs import Floats, Ints, is_among

_ROUNDS = 2
_SCORED_MAX = 300_000  # of more pairs that the keys make, so many are drawn and scored
_LOST_MAX = 0.5  # a key that brings less than this share of what it must bring to come in, goes


def settle_keys(draft: Draft, first: FirstPairs, match_probability: MatchProbability) -> ChosenKeys:
    """Leave out what is not worth its pairs, add what now is, and leave out again.

    Uses the draft up, of which `first` are pairs.
    """
    settling = _Settling(draft, match_probability)
    for _ in range(_ROUNDS):
        settling.leave_out()
        settling.add()
    settling.leave_out()
    return settling.result(first)


class _Settling:
    """The keys held, by their place in the draft's pairs; uses the draft up."""

    def __init__(self, draft: Draft, match_probability: MatchProbability) -> None:
        self._sampler = draft.sampler
        self._sample = draft.sample
        self._budget = draft.budget
        self._gain_min = draft.gain_min
        self._found = draft.found
        self._held = dict(enumerate(draft.taken))
        self._match_probability = match_probability
        self._likely = self._probability(self._sample.pairs)

    def leave_out(self) -> None:
        """While a key costs more than it alone finds, or there are too many: the worst goes."""
        some, stands_for, likely = self._scored()
        while self._held:
            worth = self._worth(some.alone(likely) * stands_for)
            least = min(self._held, key=lambda place: (worth[place], place))
            if worth[least] >= 0 and len(self._held) <= self._budget.keys_max:
                break
            del self._held[least]
            self._found.leave_out(least)
            kept = some.pairs
            some.leave_out(least)
            likely = likely[is_among(kept, some.pairs)]

    def add(self) -> None:
        """What finds matches that no key finds any more, the best first."""
        seen = is_among(self._sample.pairs, self._found.pairs)
        possible = np.ones(len(self._sample.keys), dtype=np.bool_)
        possible[[*self._held.values()]] = False
        while len(self._held) < keys_at_first(self._budget):
            matches, cost = self._sample.new(self._likely, seen)
            value = sample_values(
                matches, cost, gain_min=self._gain_min, yield_min=self._yield_min()
            )
            value[~possible] = 0.0
            if not value.any():
                return
            best = int(value.argmax())
            possible[best] = False
            growth = float(self._sample.growth[best])
            pairs = self._sampler.pairs(self._sample.keys[best], growth)
            if self._cost() + self._found.new_among(pairs) * growth > self._sampler.pairs_max:
                continue
            place = min(set(range(KEYS_MAX)) - self._held.keys())
            self._held[place] = best
            self._found.add(place, pairs)
            seen |= is_among(self._sample.pairs, pairs)

    def result(self, first: FirstPairs) -> ChosenKeys:
        """The keys that are left, the one worth most first."""
        count = self._sampler.record_count
        return ChosenKeys(
            gains=tuple(self._gains()),
            first=first,
            left=self._found.pairs // count,
            right=self._found.pairs % count,
            candidate_count=len(self._sample.keys),
        )

    def _gains(self) -> list[KeyGain]:
        some, stands_for, likely = self._scored()
        new = np.ones(len(some.pairs), dtype=np.bool_)
        uncounted = np.ones(len(self._found.pairs), dtype=np.bool_)
        gains: list[KeyGain] = []
        left = dict(self._held)
        while left:
            matches = {p: float(likely[new & some.made_by(p)].sum()) for p in left}
            pairs = {p: int((new & some.made_by(p)).sum()) + 1 for p in left}
            best = max(left, key=lambda p: (matches[p] * (matches[p] / pairs[p]) ** 0.5, -p))
            number = left.pop(best)
            counted = uncounted & self._found.made_by(best)
            gains.append(
                KeyGain(
                    key=self._sample.keys[number],
                    new_pairs=round(int(counted.sum()) * float(self._sample.growth[number])),
                    new_matches=matches[best] * stands_for,
                )
            )
            new &= ~some.made_by(best)
            uncounted &= ~counted
        return gains

    def _worth(self, matches: Floats) -> Floats:
        """By place: the matches a key alone finds, less the price of the pairs it alone makes."""
        price, yield_min = np.zeros(KEYS_MAX), self._yield_min()
        for place, number in self._held.items():
            price[place] = yield_min * self._sample.growth[number]
        worth: Floats = matches - price * self._found.alone() - _LOST_MAX * self._gain_min
        return worth

    def _yield_min(self) -> float:
        return self._budget.yield_at(self._cost() / self._sampler.record_count)

    def _cost(self) -> float:
        growth = self._sample.growth
        return self._found.cost({p: float(growth[number]) for p, number in self._held.items()})

    def _scored(self) -> tuple[KeyPairs, float, Floats]:
        """Pairs of the keys held, how many each stands for, and how likely each is a match."""
        some, stands_for = self._found.some(_SCORED_MAX)
        return some, stands_for, self._probability(some.pairs)

    def _probability(self, pairs: Ints) -> Floats:
        count = self._sampler.record_count
        return self._match_probability(pairs // count, pairs % count)
