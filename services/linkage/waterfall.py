"""Why a pair weighs what it weighs: rows in words and numbers that add up to the match weight."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp2

import numpy as np

from services.identity.domain.weights import UNITS_PER_BIT, household_cap, to_bits
from services.linkage.comparisons import Comparison
from services.linkage.features import Features
from services.linkage.model import LinkageModel
from services.linkage.score import PairScorer

NOT_COMPARED = "not compared: missing on one side"
_EVEN_BITS = 0.05  # less than this is neither for nor against


class RowKind(StrEnum):
    PRIOR = "prior"
    COMPARISON = "comparison"
    HOUSEHOLD_CAP = "household_cap"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterfallRow:
    """One step. `units` (2^-20 bits) of all rows add up exactly; `before` is the sum so far.

    `left` and `right` are the values compared, where they were passed in.
    """

    kind: RowKind
    label: str
    level: str
    words: str
    units: int
    before: int
    left: str | None = None
    right: str | None = None

    @property
    def bits(self) -> float:
        return to_bits(self.units)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    rows: tuple[WaterfallRow, ...]
    total: int
    """The match weight: the same integer that decides."""

    @property
    def match_probability(self) -> float:
        """The match weight as a probability."""
        return 1 / (1 + exp2(-to_bits(self.total)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    kind: RowKind
    label: str
    level: str
    units: int
    left: str | None = None
    right: str | None = None


def waterfall(
    model: LinkageModel,
    *,
    gammas: Sequence[int],
    weights: Sequence[int],
    left: Features | None = None,
    right: Features | None = None,
) -> Waterfall:
    """Explain one scored pair: levels and weights in the order of the model's comparisons.

    `left` and `right` are the derived columns of the two records, if the values may be shown.
    """
    steps = [_prior(model)]
    for comparison, gamma, units in zip(model.comparisons, gammas, weights, strict=True):
        steps.append(_comparison(comparison, gamma=gamma, units=units, left=left, right=right))
    shared = sum(w for w, is_shared in zip(weights, model.shared, strict=True) if is_shared)
    if any(model.shared):
        steps.append(_household_cap(model, shared=shared))
    return _add_up(steps)


def explain_pair(scorer: PairScorer, left: Features, right: Features) -> Waterfall:
    """Score two records and explain the weight, with the values that were compared."""
    rows = np.array([0]), np.array([1])
    scored = scorer.score([left, right], *rows)
    gammas = scorer.gammas([left, right], *rows)
    return waterfall(
        scorer.model,
        gammas=gammas[0].tolist(),
        weights=scored.weights[0].tolist(),
        left=left,
        right=right,
    )


def _prior(model: LinkageModel) -> _Step:
    odds = round(exp2(-model.prior_weight))
    level = f"one in {odds + 1:,} random pairs is one person"
    return _Step(kind=RowKind.PRIOR, label="starting point", level=level, units=model.prior_units)


def _comparison(
    comparison: Comparison,
    *,
    gamma: int,
    units: int,
    left: Features | None,
    right: Features | None,
) -> _Step:
    return _Step(
        kind=RowKind.COMPARISON,
        label=comparison.field.replace("_", " "),
        level=NOT_COMPARED if gamma < 0 else comparison.levels[gamma].label,
        units=units,
        left=_shown(left, comparison.name),
        right=_shown(right, comparison.name),
    )


def _household_cap(model: LinkageModel, *, shared: int) -> _Step:
    capped = int(household_cap(np.array([shared]), share=model.household_share)[0])
    return _Step(
        kind=RowKind.HOUSEHOLD_CAP,
        label="household",
        level="what people of one household share counts only so far",
        units=capped - shared,
    )


def _shown(features: Mapping[str, str | list[str]] | None, column: str) -> str | None:
    value = None if features is None else features.get(column)
    return " ".join(value) if isinstance(value, list) else value


def _add_up(steps: Sequence[_Step]) -> Waterfall:
    rows = []
    total = 0
    for step in steps:
        rows.append(
            WaterfallRow(
                kind=step.kind,
                label=step.label,
                level=step.level,
                words=_in_words(step),
                units=step.units,
                before=total,
                left=step.left,
                right=step.right,
            )
        )
        total += step.units
    return Waterfall(rows=tuple(rows), total=total)


def _in_words(step: _Step) -> str:
    """For instance: date of birth: exact, 8.3 bits for (325 times as likely)."""
    bits = step.units / UNITS_PER_BIT
    if abs(bits) < _EVEN_BITS:
        return f"{step.label}: {step.level}, neither for nor against"
    times = exp2(abs(bits))
    likely = f"{times:,.0f}" if times >= 10 else f"{times:.1f}"  # noqa: PLR2004 - two digits are enough to read
    side, word = ("for", "likely") if bits > 0 else ("against", "unlikely")
    return f"{step.label}: {step.level}, {abs(bits):.1f} bits {side} ({likely} times as {word})"
