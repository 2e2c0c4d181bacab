"""Limits of what one profile may hold: so many values ever, or so many seen within some time.

A broken limit stays broken: what a group of records was seen with only grows when it does.
"""

from collections import Counter
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from services.identity.domain.ids import Micros

DAY = 24 * 60 * 60 * 1_000_000


class Held(NamedTuple):
    """A value and an instant of event time at which it was said; None where no instant is known."""

    value: str
    at: Micros | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeLimit:
    """At most `values_max` distinct values; with `within_days`, of those seen in any such span.

    What was seen at no known instant may have been seen at any, and counts in every span.
    """

    values_max: int
    within_days: int | None = None

    def is_broken_by(self, held: Collection[Held]) -> bool:
        """`held` has one entry a value where no span is asked for."""
        if len(held) <= self.values_max or self.within_days is None:
            return len(held) > self.values_max
        return self._largest_in_a_span(held, self.within_days * DAY) > self.values_max

    def is_broken_by_both(self, one: AbstractSet[Held], other: AbstractSet[Held]) -> bool:
        """The same of two groups together; cheap where one of them is small."""
        if self.within_days is None:
            return len(one) + len(other) - len(one & other) > self.values_max
        return self.is_broken_by(one | other)

    def _largest_in_a_span(self, held: Collection[Held], span: int) -> int:
        undated = {each.value for each in held if each.at is None}
        dated = sorted(
            (each.at, each.value)
            for each in held
            if each.at is not None and each.value not in undated
        )
        inside: Counter[str] = Counter()
        largest = first = 0
        for at, value in dated:
            inside[value] += 1
            while dated[first][0] < at - span:
                gone = dated[first][1]
                inside[gone] -= 1
                if not inside[gone]:
                    del inside[gone]
                first += 1
            largest = max(largest, len(inside))
        return largest + len(undated)

    def text(self) -> str:
        """`5`, or `5 in 365 days`."""
        if self.within_days is None:
            return str(self.values_max)
        return f"{self.values_max} in {self.within_days} days"
