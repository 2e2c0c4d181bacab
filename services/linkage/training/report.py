"""What a training run tells its user: where each figure comes from, without any value in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.linkage.comparisons import Comparison
from services.linkage.model import LinkageModel
from services.linkage.training.choose_keys import ChosenKeys
from services.linkage.training.learn import Learned
from services.linkage.training.sample import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One clustering of the training records."""

    clusters: int
    largest: int
    pairs_inside: int


def report(
    model: LinkageModel,
    *,
    sample: Sample,
    record_count: int,
    learned: Learned,
    chosen: ChosenKeys,
    rounds: Sequence[Round],
) -> dict[str, Any]:
    """Everything as plain JSON values."""
    names = [comparison.field for comparison in model.comparisons]
    return {
        "model_version": model.version,
        "records": record_count,
        "records_trained_on": len(sample.records),
        "fields": [[name, kind.value] for name, kind in model.spec.fields],
        "prior_bits": round(model.prior_weight, 3),
        "household_share": model.kinship.household,
        "twin_share": model.kinship.twins,
        "namesake_share": model.kinship.namesakes,
        "contact_shares": dict(model.contact_shares),
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
        "pairs_per_record": round(len(chosen.left) / max(len(sample.records), 1), 2),
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
