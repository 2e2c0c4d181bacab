"""Why a pair, or a link of two clusters, weighs what it weighs: rows that add up to the weight."""

from collections.abc import Iterator, Mapping, Sequence
from math import exp2

import numpy as np

from services.identity.domain.evidence import Row, RowKind, Waterfall
from services.identity.domain.links import Link
from services.identity.domain.weights import UNITS_PER_BIT
from services.linkage.comparisons import Comparison
from services.linkage.features import Features
from services.linkage.model import LinkageModel
from services.linkage.score import PairScorer
from services.linkage.weights import level_weights

NOT_COMPARED = "not compared: missing on one side"
RARE, COMMON, USUAL = "a rare one", "a common one", "of usual frequency"
_RARE_UNITS = UNITS_PER_BIT  # a value twice as rare as usual is worth the word
_PHRASES: Mapping[str, str] = {
    "exact": "exactly equal",
    "nickname": "nicknames of one another",
    "initial": "equal by an initial",
    "close": "nearly equal",
    "elsewhere in the name": "found elsewhere in the name",
    "similar": "similar",
    "different": "different",
    "same words": "equal in all words",
    "a common word": "equal in a word",
    "same": "equal",
    "year one edit apart": "equal but for one edit of the year",
    "one edit apart": "one edit apart",
    "day and month swapped": "equal with day and month swapped",
    "year and month or day": "equal in year and month or day",
    "month and day": "equal in month and day",
    "two edits apart": "two edits apart",
    "year": "equal in the year",
    "area": "equal in the area",
    "number and words": "equal in number and most words",
    "street": "equal in the street",
    "number": "equal in the number",
    "same user": "equal before the @",
    "similar user": "similar before the @",
    "last seven digits": "equal in the last seven digits",
}


def phrase_of(level: str) -> str:
    """A level as it is said of a field: surname exactly equal."""
    return _PHRASES[level]


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
    rows = [_prior(model)]
    for comparison, gamma, units in zip(model.comparisons, gammas, weights, strict=True):
        rows.extend(_comparison(model, comparison, gamma=gamma, units=units, of=(left, right)))
    if any(model.relatives.shared):
        taken_off = model.relatives.taken_off(np.array([weights], dtype=np.int32))
        rows.append(_household_cap(-int(taken_off[0])))
    return Waterfall.of(rows)


def explain_pair(scorer: PairScorer, left: Features, right: Features) -> Waterfall:
    """Score two records and explain the weight, with the values that were compared."""
    return explain_pairs(scorer, [(left, right)])[0]


def explain_pairs(
    scorer: PairScorer, pairs: Sequence[tuple[Features, Features]]
) -> list[Waterfall]:
    """The same of several pairs, which are scored at once."""
    if not pairs:
        return []
    rows = np.arange(0, 2 * len(pairs), 2), np.arange(1, 2 * len(pairs), 2)
    features = [each for pair in pairs for each in pair]
    weights = scorer.score(features, *rows).weights.tolist()
    gammas = scorer.gammas(features, *rows).tolist()
    return [
        waterfall(scorer.model, gammas=gamma, weights=weight, left=left, right=right)
        for gamma, weight, (left, right) in zip(gammas, weights, pairs, strict=True)
    ]


def link_waterfall(model: LinkageModel, link: Link) -> Waterfall:
    """Explain the link between two clusters, column by column."""
    rows = [_prior(model)]
    for comparison, units, count in zip(model.comparisons, link.columns, link.counts, strict=True):
        field = _field(comparison)
        level = f"mean of {count} of {link.pairs} pairs" if count else "not compared in any pair"
        rows.append(
            Row(
                kind=RowKind.COMPARISON,
                label=field,
                level=level,
                words=f"{field}, {level}",
                units=units,
            )
        )
    if any(model.relatives.shared):
        rows.append(_household_cap(link.household))
    return Waterfall.of([*rows, *_claim(link)])


def cluster_step(pair: Waterfall, link: Link) -> Waterfall:
    """A pair's rows and one more: what its weight becomes as the link of two groups of records."""
    level = f"the mean over all {link.pairs} pairs of the two groups"
    stepped = pair.followed_by(
        Row(
            kind=RowKind.CLUSTER_STEP,
            label="cluster step",
            level=level,
            words=f"the other records of the two groups ({link.pairs} pairs in all)",
            units=link.total - link.claimed - pair.total,
        )
    )
    return Waterfall.of([*stepped.rows, *_claim(link)])


def _field(comparison: Comparison) -> str:
    return comparison.field.replace("_", " ")


def _prior(model: LinkageModel) -> Row:
    odds = round(exp2(-model.prior_weight))
    level = f"one in {odds + 1:,} random pairs is one person"
    return Row(
        kind=RowKind.PRIOR,
        label="starting point",
        level=level,
        words=level,
        units=model.prior_units,
    )


def _comparison(
    model: LinkageModel,
    comparison: Comparison,
    *,
    gamma: int,
    units: int,
    of: tuple[Features | None, Features | None],
) -> Iterator[Row]:
    """The level's own weight and, where a value's frequency adjusts it, that in its own row."""
    field = _field(comparison)
    level = None if gamma < 0 else comparison.levels[gamma]
    base = int(level_weights(comparison)[gamma])
    is_adjusted = level is not None and level.tf_column in model.term_frequencies
    yield Row(
        kind=RowKind.COMPARISON,
        label=field,
        level=NOT_COMPARED if level is None else level.label,
        words=f"{field} {NOT_COMPARED if level is None else phrase_of(level.label)}",
        units=base if is_adjusted else units,
        left=_shown(of[0], comparison.name),
        right=_shown(of[1], comparison.name),
    )
    if is_adjusted:
        rare = units - base
        how = RARE if rare >= _RARE_UNITS else COMMON if rare <= -_RARE_UNITS else USUAL
        yield Row(
            kind=RowKind.TERM_FREQUENCY,
            label=field,
            level=f"the value is {how}",
            words="" if how == USUAL else how,
            units=rare,
        )


def _household_cap(units: int) -> Row:
    words = "what relatives share counts only so far"
    return Row(kind=RowKind.HOUSEHOLD_CAP, label="household", level=words, words=words, units=units)


def _claim(link: Link) -> Iterator[Row]:
    if link.claimed:
        words = "nobody else here could be this single record, and few records are all alone"
        yield Row(kind=RowKind.CLAIM, label="claim", level=words, words=words, units=link.claimed)


def _shown(features: Mapping[str, str | list[str]] | None, column: str) -> str | None:
    value = None if features is None else features.get(column)
    return " ".join(value) if isinstance(value, list) else value
