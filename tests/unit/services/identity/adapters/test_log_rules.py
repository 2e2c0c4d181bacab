"""What every log does alike."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.adapters.log_rules import (
    fair_share,
    faults,
    partition_of,
    refuse_to_shrink,
    shares,
)
from services.identity.domain.errors import UsageError
from services.identity.ports import Partition, TopicSettings

PARTITIONS = st.sets(st.builds(Partition, st.sampled_from("ab"), st.integers(0, 3)))


@pytest.mark.parametrize(
    ("key", "partition"), [(b"", 4), (b"a", 7), (b"web\x1fuser_id\x1fu-9", 4), (b"\xff" * 9, 1)]
)
def test_a_key_keeps_its_partition_over_releases(key: bytes, partition: int) -> None:
    assert partition_of(key, 8) == partition


@given(PARTITIONS, st.integers(1, 5))
def test_shares_of_members_are_disjoint_even_and_cover_everything(
    partitions: set[Partition], members: int
) -> None:
    parts = [fair_share(partitions, rank=rank, members=members) for rank in range(members)]
    assert sorted(each for part in parts for each in part) == sorted(partitions)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(st.dictionaries(st.builds(Partition, st.just("a"), st.integers(0, 4)), st.integers(-1, 4)))
def test_a_batch_is_as_full_as_it_can_be(available: dict[Partition, int]) -> None:
    for records_max in (1, 3, 7):
        taken = shares(available, records_max=records_max)
        waiting = sum(max(count, 0) for count in available.values())
        assert sum(taken.values()) == min(records_max, waiting)
        assert all(0 < count <= available[partition] for partition, count in taken.items())


def test_a_short_queue_is_not_held_up_by_a_long_one() -> None:
    long, short = Partition("a", 0), Partition("a", 1)
    assert shares({long: 1000, short: 3}, records_max=10) == {short: 3, long: 7}


def test_with_too_few_for_all_the_longest_queue_comes_first() -> None:
    long, short = Partition("a", 1), Partition("a", 0)
    assert shares({long: 5, short: 3}, records_max=1) == {long: 1}


SETTINGS = TopicSettings(name="a", partitions=2, retention_ms=50, message_bytes_max=10)


@pytest.mark.parametrize(
    ("setting", "smaller", "larger"),
    [
        ("partitions", replace(SETTINGS, partitions=1), replace(SETTINGS, partitions=3)),
        ("retention_ms", replace(SETTINGS, retention_ms=49), replace(SETTINGS, retention_ms=51)),
        ("retention_ms", replace(SETTINGS, retention_ms=1), replace(SETTINGS, retention_ms=None)),
        (
            "message_bytes_max",
            replace(SETTINGS, message_bytes_max=9),
            replace(SETTINGS, message_bytes_max=11),
        ),
    ],
    ids=["partitions", "retention", "retention for ever", "message size"],
)
def test_growing_is_allowed_and_shrinking_is_not(
    setting: str, smaller: TopicSettings, larger: TopicSettings
) -> None:
    refuse_to_shrink(larger, SETTINGS)
    with pytest.raises(UsageError, match=f"topic a: {setting} .* cannot shrink"):
        refuse_to_shrink(smaller, SETTINGS)


def test_compaction_is_never_begun_and_may_be_ended() -> None:
    compacted = replace(SETTINGS, compacted=True)
    refuse_to_shrink(SETTINGS, compacted)
    with pytest.raises(UsageError, match="compacted is False, declared is True"):
        refuse_to_shrink(compacted, SETTINGS)


def test_every_fault_is_named_and_more_copies_are_none() -> None:
    found = replace(SETTINGS, partitions=3, retention_ms=None, replication_factor=2)
    assert faults([SETTINGS, replace(SETTINGS, name="b")], {"a": found}) == (
        "topic a: partitions is 3, declared is 2",
        "topic a: retention_ms is unlimited, declared is 50",
        "topic a: replication_factor is 2, declared is 3",
        "topic b does not exist",
    )
    assert faults([SETTINGS], {"a": replace(SETTINGS, replication_factor=5)}) == ()
