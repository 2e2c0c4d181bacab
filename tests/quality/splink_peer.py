"""`python -m tests.quality.splink_peer [SET ...]`: Splink 5 by its documentation, on linked sets.

What a careful reader of its tutorials would write for two files with such columns: comparisons of
its library by kind with term frequencies, blocking on two of names, birth date and street, u by
random sampling, the prior by deterministic rules, m by EM sessions, and clusters that hold a record
of the census once (`cluster_using_single_best_links`). THRESHOLD is that of its tutorial; figures
at the others are printed beside it. Texts are lower case, dates read as the product reads them.
"""

import sys
import time
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import duckdb
import pyarrow as pa
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from services.identity.domain.kinds import Kind
from services.linkage.survey import survey
from tests.quality.labelled import LabelledSet
from tests.quality.metrics import Quality, found_share, measure
from tests.quality.sets import all_sets

THRESHOLD = 0.95
THRESHOLDS = (0.5, 0.9, 0.95, 0.99)
_RECALL = 0.7  # of the deterministic rules, as the tutorial states it
_SEED = 1
_HEAD = (
    f"{'set':<16}{'records':>8}{'pairs/rec':>11}{'found':>8}{'at':>6}{'P':>8}{'R':>8}{'F1':>8}"
    f"{'B3 F1':>8}{'largest':>9}{'s':>8}"
)
_NAMES = (Kind.GIVEN_NAME, Kind.SURNAME)
_BLOCKED = (*_NAMES, Kind.DATE_OF_BIRTH, Kind.ADDRESS_LINE)

Columns = dict[Kind, list[str | None]]


def main() -> None:
    sys.stdout.write(_HEAD + "\n")
    for labelled in all_sets(sys.argv[1:] or ("w2", "1040", "ssa", "wic", "acs")):
        for line in rows(labelled):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


def rows(labelled: LabelledSet) -> Iterator[str]:
    """A line of figures for every threshold."""
    begun = time.perf_counter()
    linker, api = _linker(labelled)
    predicted = linker.inference.predict(threshold_match_probability=THRESHOLDS[0])
    scored = _scored_pairs(labelled, linker)
    keys = [record.key for record in labelled.records]
    sources = [record.source for record in labelled.records]
    truth = [labelled.truth[key] for key in keys]
    found = found_share(scored, truth, sources, across_sources=True)
    for threshold in THRESHOLDS:
        clustered = linker.clustering.cluster_using_single_best_links(
            predicted,
            duplicate_free_datasets=[_form(source) for source in sorted(labelled.unique_sources)],
            threshold_match_probability=threshold,
        )
        of_record = {row["unique_id"]: row["cluster_id"] for row in clustered.as_record_list()}
        quality = measure([of_record[key] for key in keys], truth, sources, across_sources=True)
        seconds = time.perf_counter() - begun
        yield _line(labelled, quality, len(scored), found, threshold=threshold, seconds=seconds)
    del api


def _line(
    labelled: LabelledSet,
    quality: Quality,
    pairs: int,
    found: float,
    *,
    threshold: float,
    seconds: float,
) -> str:
    count = len(labelled.records)
    return (
        f"{labelled.name:<16}{count:>8}{pairs / count:>11.2f}{found:>8.4f}{threshold:>6}"
        f"{quality.precision:>8.4f}{quality.recall:>8.4f}{quality.f1:>8.4f}"
        f"{quality.bcubed_f1:>8.4f}{quality.largest:>9}{seconds:>8.1f}"
        f"{'  *' if threshold == THRESHOLD else ''}"
    )


def _linker(labelled: LabelledSet) -> tuple[Linker, DuckDBAPI]:
    columns = _cleaned(labelled)
    sources = [record.source for record in labelled.records]
    usable = [kind for kind in columns if _is_in_every_source(columns[kind], sources)]
    api = DuckDBAPI(connection=duckdb.connect())
    tables = [
        api.register(_table(labelled, columns, usable, source), dataset_display_name=_form(source))
        for source in dict.fromkeys(sources)
    ]
    blocked = [kind for kind in _BLOCKED if kind in usable]
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[_comparison(kind) for kind in usable],
        blocking_rules_to_generate_predictions=[
            block_on(*pair) for pair in combinations(blocked, 2)
        ],
    )
    linker = Linker(tables, settings, log_level="ERROR")
    certain: list[Any] = [block_on(*each) for each in combinations(blocked, 3)]
    training = linker.training
    training.estimate_probability_two_random_records_match(certain, recall=_RECALL)
    training.estimate_u_using_random_sampling(max_pairs=1e6, seed=_SEED)
    other = next(kind for kind in blocked if kind not in _NAMES)
    for rule in (_NAMES, (other, Kind.SURNAME)):
        training.estimate_parameters_using_expectation_maximisation(block_on(*rule))
    return linker, api


def _comparison(kind: Kind) -> Any:  # noqa: ANN401 - Splink's creators have no common type
    if kind in _NAMES:
        return cl.NameComparison(kind).configure(term_frequency_adjustments=True)
    if kind is Kind.DATE_OF_BIRTH:
        return cl.DateOfBirthComparison(kind, input_is_string=True)
    if kind is Kind.ADDRESS_LINE:
        streets = cl.JaroWinklerAtThresholds(kind, [0.9, 0.7])
        return streets.configure(term_frequency_adjustments=True)
    if kind in (Kind.POSTCODE, Kind.STREET_NUMBER):
        numbers = cl.DamerauLevenshteinAtThresholds(kind, [1, 2])
        return numbers.configure(term_frequency_adjustments=True)
    return cl.ExactMatch(kind).configure(term_frequency_adjustments=True)


def _cleaned(labelled: LabelledSet) -> Columns:
    dates = list(survey([each.values for each in labelled.records], labelled.fields).features)
    columns: Columns = {}
    for name, kind in labelled.fields:
        texts = [each.values.get(name, "").strip().lower() or None for each in labelled.records]
        if kind is Kind.DATE_OF_BIRTH:
            texts = [str(row["d0"]) if "d0" in row else None for row in dates]
        if kind is Kind.MIDDLE_NAME:  # an initial on one form, a name on another
            texts = [text and text[0] for text in texts]
        columns[kind] = texts
    return columns


def _is_in_every_source(values: list[str | None], sources: list[str]) -> bool:
    """With more than one value each: a constant column tells nothing, and one alone nobody."""
    told: dict[str, set[str]] = {source: set() for source in sources}
    for source, value in zip(sources, values, strict=True):
        if value is not None:
            told[source].add(value)
    return all(len(some) > 1 for some in told.values())


def _form(source: str) -> str:
    """A table's name, which may not begin with a digit."""
    return f"form_{source}"


def _table(labelled: LabelledSet, columns: Columns, usable: list[Kind], source: str) -> pa.Table:
    rows_of = [row for row, record in enumerate(labelled.records) if record.source == source]
    table: dict[str, list[str | None]] = {
        "unique_id": [labelled.records[row].key for row in rows_of]
    }
    return pa.table(
        table
        | {
            kind.value: pa.array([columns[kind][row] for row in rows_of], pa.string())
            for kind in usable
        }
    )


def _scored_pairs(labelled: LabelledSet, linker: Linker) -> list[tuple[int, int]]:
    """Every pair that its blocking rules make."""
    place = {record.key: row for row, record in enumerate(labelled.records)}
    blocked = linker.inference.compute_blocked_pairs_for_predict().as_record_list()
    return [
        (
            place[str(row["join_key_l"]).rpartition("-__-")[2]],
            place[str(row["join_key_r"]).rpartition("-__-")[2]],
        )
        for row in blocked
    ]


if __name__ == "__main__":
    main()
