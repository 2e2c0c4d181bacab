"""What a training run tells its user: where each figure comes from, without any value in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from services.linkage.comparisons import Comparison
from services.linkage.model import LinkageModel
from services.linkage.training.choose_keys import ChosenKeys
from services.linkage.training.learn import Learned
from services.linkage.training.pairs import Floats
from services.linkage.training.parameters import probability


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One clustering of the training records."""

    clusters: int
    largest: int
    pairs_inside: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Candidate pairs of about one weight: how many, expected to match, and joined in the end."""

    from_bits: int
    pairs: int
    expected: float
    joined: int


def calibrate(bits: Floats, joined: npt.NDArray[np.bool_]) -> tuple[Bucket, ...]:
    """Candidate pairs in buckets of two bits; what lies outside counts with the outermost."""
    width, outermost = 2, 20
    places = np.floor(np.clip(bits, -outermost, outermost - 1) / width).astype(np.int64)
    expected = probability(bits)
    return tuple(
        Bucket(
            from_bits=int(place * width),
            pairs=int((places == place).sum()),
            expected=float(expected[places == place].sum()),
            joined=int(joined[places == place].sum()),
        )
        for place in np.unique(places)
    )


def report(
    model: LinkageModel,
    *,
    records: int,
    records_trained_on: int,
    base_size: int,
    learned: Learned,
    chosen: ChosenKeys,
    rounds: Sequence[Round],
    calibration: Sequence[Bucket],
) -> dict[str, Any]:
    """Everything as plain JSON values."""
    names = [comparison.field for comparison in model.comparisons]
    pair_count = records_trained_on * (records_trained_on - 1) / 2
    return {
        "model_version": model.version,
        "records": records,
        "base_size": base_size,
        "records_trained_on": records_trained_on,
        "fields": [[name, kind.value] for name, kind in model.spec.fields],
        "prior_bits": round(model.prior_weight, 3),
        "household_share": model.kinship.household,
        "twin_share": model.kinship.twins,
        "namesake_share": model.kinship.namesakes,
        "contact_shares": dict(model.contact_shares),
        "alone_share": round(model.alone_share, 4),
        "matches_expected_by_session": [round(count) for count in learned.match_counts],
        "sessions": [
            {
                "rule": [names[j] for j in lesson.session.rule],
                "pairs": round(lesson.session.pair_count),
                "match_share": round(lesson.expectation.match_share, 3),
            }
            for lesson in learned.lessons
        ],
        "comparisons": [comparison_report(comparison) for comparison in model.comparisons],
        "key_candidates": chosen.candidate_count,
        "keys": [
            {
                "tokens": list(gain.key),
                "new_pairs": gain.new_pairs,
                "new_matches_expected": round(gain.new_matches, 1),
            }
            for gain in chosen.gains
        ],
        "matches_expected": round(learned.parameters.match_share * pair_count, 1),
        "calibration": [
            {
                "from_bits": bucket.from_bits,
                "pairs": bucket.pairs,
                "expected": round(bucket.expected, 2),
                "joined": bucket.joined,
            }
            for bucket in calibration
        ],
        "pairs_per_record": round(
            sum(gain.new_pairs for gain in chosen.gains) / max(records_trained_on, 1), 2
        ),
        "rounds": [
            {"clusters": r.clusters, "largest": r.largest, "pairs_inside": r.pairs_inside}
            for r in rounds
        ],
    }


def comparison_report(comparison: Comparison) -> dict[str, Any]:
    return {
        "field": comparison.field,
        "kind": comparison.kind.value,
        "levels": [
            {"label": level.label, "m": round(m, 5), "u": round(u, 7)}
            for level, m, u in zip(comparison.levels, comparison.m, comparison.u, strict=True)
        ],
    }
