"""The only door to Splink: comparisons in its settings, and its own SQL for their levels."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from splink import SettingsCreator

from services.linkage.comparisons import PROBABILITY_MIN, Comparison

_NULL_LABEL = "null"
_DIALECT = "duckdb"


def settings(comparisons: Sequence[Comparison], *, prior_weight: float) -> dict[str, Any]:
    """Splink settings of a trained model, as its `Linker` and `compare_records` take them."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "unique_id",
        "comparisons": [_comparison(comparison) for comparison in comparisons],
        "blocking_rules_to_generate_predictions": ["l.unique_id=r.unique_id"],
        "probability_two_random_records_match": 1 / (1 + 2.0**-prior_weight),
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": True,
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    null: dict[str, Any] = {
        "sql_condition": comparison.null_sql,
        "label_for_charts": _NULL_LABEL,
        "is_null_level": True,
    }
    levels = [null]
    for level, m, u in zip(comparison.levels, comparison.m, comparison.u, strict=True):
        spelled: dict[str, Any] = {
            "sql_condition": level.sql,
            "label_for_charts": level.label,
            "m_probability": max(m, PROBABILITY_MIN),
            "u_probability": max(u, PROBABILITY_MIN),
        }
        if level.tf_column is not None:
            # Splink would look for an exact level on the column; the lookup says it all (2.3).
            spelled |= {
                "tf_adjustment_column": level.tf_column,
                "tf_adjustment_weight": 1.0,
                "disable_tf_exact_match_detection": True,
            }
        levels.append(spelled)
    return {
        "output_column_name": comparison.name,
        "comparison_levels": levels,
        "comparison_description": comparison.field,
    }


def level_cases(comparisons: Sequence[Comparison]) -> list[str]:
    """Splink's CASE expression of each comparison: -1 null, 0 the last level, then upwards."""
    creator = SettingsCreator.from_path_or_dict(settings(comparisons, prior_weight=0.0))
    parsed = creator.get_settings(_DIALECT)
    return [comparison._case_statement for comparison in parsed.comparisons]  # noqa: SLF001 - Splink has no public name for it; the equality test with predict() guards it


def columns_read(cases: Sequence[str], columns: Iterable[str]) -> list[str]:
    """Those of the records' columns that some CASE reads, as `column_l` and `column_r`."""
    read = set(re.findall(r"\b(\w+)_[lr]\b", " ".join(cases)))
    return [column for column in columns if column in read]


def joined_levels_sql(
    cases: Sequence[str], columns: Sequence[str], *, records: str, pairs: str
) -> str:
    """SQL for the levels of all pairs of a table.

    `records` has `row` and the columns, `pairs` has `pair`, `left_row` and `right_row`. The result
    has `pair`, then one level a comparison in Splink's numbers.
    """
    sides = ", ".join(f'l."{c}" as "{c}_l", r."{c}" as "{c}_r"' for c in columns)
    return levels_sql(
        cases,
        f"(select {pairs}.pair, {sides} from {pairs}"
        f" join {records} l on l.row={pairs}.left_row join {records} r on r.row={pairs}.right_row)",
    )


def levels_sql(cases: Sequence[str], pairs: str) -> str:
    """The same for `pairs` that hold both sides of every column already."""
    return f"select pair, {', '.join(cases)} from {pairs}"
