"""Of more records than training may hold, whole groups stay, whatever order they come in."""

from collections.abc import Iterator
from random import Random

import pytest

from services.identity.domain.kinds import Kind
from services.linkage.features import FeatureSpec
from services.linkage.training.records import TrainingRecord
from services.linkage.training.sample import _Sieve, sample_records

SPEC = FeatureSpec(fields=(("given_name", Kind.GIVEN_NAME), ("surname", Kind.SURNAME)))


def crowd(count: int, *, surnames: int, seed: int = 1) -> list[TrainingRecord]:
    rng = Random(seed)
    return [
        TrainingRecord.of(
            key=f"{number:06}",
            source="one",
            values={"given_name": "Ada", "surname": f"Name{chr(97 + rng.randrange(surnames))}"},
        )
        for number in range(count)
    ]


def test_fewer_are_all_kept() -> None:
    records = crowd(50, surnames=5)
    sample = sample_records(records, SPEC, records_max=50)
    assert sample.records == tuple(records)
    assert (sample.seen, sample.fraction, sample.column) == (50, 1.0, None)


@pytest.mark.parametrize("surnames", [1, 2, 26])
def test_of_more_whole_groups_are_kept_in_any_order(surnames: int) -> None:
    records = crowd(2_000, surnames=surnames)
    sample = sample_records(records, SPEC, records_max=500)
    assert 50 <= len(sample.records) <= 500
    assert sample.fraction == len(sample.records) / 2_000
    assert sum(sample.counts.values()) == 2_000
    if surnames > 2:
        kept = {record.values["surname"] for record in sample.records}
        whole = [record for record in records if record.values["surname"] in kept]
        assert sample.records == tuple(whole)
        shuffled = list(records)
        Random(5).shuffle(shuffled)
        assert sample_records(shuffled, SPEC, records_max=500).records == sample.records


def test_a_stream_is_read_once() -> None:
    """What a file of gigabytes costs: the records that stay, not those that pass."""
    passing: Iterator[TrainingRecord] = iter(crowd(20_000, surnames=26, seed=2))
    sample = sample_records(passing, SPEC, records_max=2_000)
    assert sample.seen == 20_000
    assert 0 < len(sample.records) <= 2_000


def test_of_a_record_in_parts_the_later_words_hold() -> None:
    records = crowd(300, surnames=26)
    named = [
        TrainingRecord.of(key=each.key, source=each.source, values={"given_name": f"Ida{each.key}"})
        for each in records
    ]
    sample = sample_records([*records, *named], SPEC, records_max=1_000, in_parts=True)
    assert sample.seen == 300
    wanted = [a.values | b.values for a, b in zip(records, named, strict=True)]
    assert [each.values for each in sample.records] == wanted
    few = sample_records([*records, *named], SPEC, records_max=100, in_parts=True)
    assert 0 < len(few.records) <= 100
    assert len({each.key for each in few.records}) == len(few.records)


def test_what_is_held_of_records_in_parts_is_bounded() -> None:
    sieve = _Sieve(SPEC, 100, in_parts=True)
    for record in crowd(5_000, surnames=26):
        if not sieve.adds_to_held(record):
            sieve.add(record)
        assert len(sieve._told) <= 201  # noqa: SLF001 - the bound is the point
