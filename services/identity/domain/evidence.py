"""Evidence in rows that add up: from the prior, comparison by comparison, to the decision.

Rows count in units of 2^-20 bits and are integers, so that their sum is the total itself, not
nearly so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import exp2

from services.identity.domain.weights import to_bits


class RowKind(StrEnum):
    PRIOR = "prior"
    COMPARISON = "comparison"
    TERM_FREQUENCY = "term_frequency"
    HOUSEHOLD_CAP = "household_cap"
    CLUSTER_STEP = "cluster_step"
    CLAIM = "claim"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One step. `units` of all rows add up to the total; `before` is the sum so far.

    `words` is the row in plain words; `left` and `right` are the values that were compared, where
    they were passed in.
    """

    kind: RowKind
    label: str
    level: str
    words: str
    units: int
    before: int = 0
    left: str | None = None
    right: str | None = None

    @property
    def bits(self) -> float:
        return to_bits(self.units)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    rows: tuple[Row, ...]
    total: int
    """The match weight: the same integer that decides."""

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Waterfall":
        """Rows in their order, each told what came before it."""
        placed = []
        total = 0
        for row in rows:
            placed.append(replace(row, before=total))
            total += row.units
        return cls(rows=tuple(placed), total=total)

    def followed_by(self, row: Row) -> "Waterfall":
        return Waterfall.of([*self.rows, row])

    @property
    def bits(self) -> float:
        return to_bits(self.total)

    @property
    def match_probability(self) -> float:
        """The match weight as a probability."""
        return 1 / (1 + exp2(-self.bits))

    def in_words(self) -> list[str]:
        """A line a row, how rare a value is told with its comparison; rows that say nothing go."""
        lines: list[tuple[str, int]] = []
        for row in self.rows:
            if row.kind is RowKind.TERM_FREQUENCY and lines:
                words, units = lines.pop()
                rare = f"{words}, {row.words}" if row.words else words
                lines.append((rare, units + row.units))
            else:
                lines.append((row.words, row.units))
        return [f"{words}: {to_bits(units):+.1f}" for words, units in lines if units]
