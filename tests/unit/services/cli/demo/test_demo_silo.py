"""Precision, recall and B-cubed against their definitions, pair by pair and record by record."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.demo.population import Entry
from services.cli.demo.silo import measure, silo_report
from services.cli.demo.story import Door
from services.identity.domain.ids import RecordKey

Labels = list[tuple[int, int]]
LABELS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12)


@given(LABELS)
def test_pairs_are_counted_as_their_definition_says(labels: Labels) -> None:
    pairs = list(combinations(labels, 2))
    told = sum(a[0] == b[0] for a, b in pairs)
    true = sum(a[1] == b[1] for a, b in pairs)
    right = sum(a == b for a, b in pairs)
    found = measure([each[0] for each in labels], [each[1] for each in labels])
    assert found.precision == (right / told if told else 1.0)
    assert found.recall == (right / true if true else 1.0)
    assert (found.false_pairs, found.missed_pairs) == (told - right, true - right)


@given(LABELS.filter(bool))
def test_b_cubed_is_the_mean_over_records(labels: Labels) -> None:
    precision = recall = 0.0
    for cluster, person in labels:
        together = sum(each == (cluster, person) for each in labels)
        precision += together / sum(each[0] == cluster for each in labels)
        recall += together / sum(each[1] == person for each in labels)
    found = measure([each[0] for each in labels], [each[1] for each in labels])
    assert found.bcubed_precision == pytest.approx(precision / len(labels))
    assert found.bcubed_recall == pytest.approx(recall / len(labels))


def _entry(source: str, key: str, person: int) -> Entry:
    record = RecordKey(source, "user_id", key)
    return Entry(door=Door.SDK, event={}, record=record, person=person)


def test_the_report_counts_channels_people_and_profiles() -> None:
    entries = [
        _entry("web", "a", 0),
        _entry("app", "b", 0),
        _entry("calls", "c", 0),
        _entry("web", "d", 1),
        _entry("billing", "e", 2),
    ]
    a, b, c, d, e = (entry.record for entry in entries)
    report = silo_report(entries, {a: "p", b: "p", c: "q", d: "q", e: "r"})
    assert report["records_by_channel"] == {"web": 2, "app": 1, "calls": 1, "billing": 1}
    assert report["people"] == 3
    assert report["people_by_channel_count"] == {"1": 2, "2": 0, "3": 1, "4": 0}
    assert report["people_in_two_or_more_channels"] == 1
    assert report["profiles"] == 3
    assert (report["false_pairs"], report["missed_pairs"]) == (1, 2)
    assert (report["precision"], report["recall"]) == (0.5, pytest.approx(1 / 3, abs=1e-6))


def test_a_record_that_stands_nowhere_is_alone() -> None:
    entries = [_entry("web", "a", 0), _entry("app", "b", 0)]
    report = silo_report(entries, {entries[0].record: "p"})
    assert report["records_resolved"] == 1
    assert report["profiles"] == 2
    assert report["missed_pairs"] == 1
