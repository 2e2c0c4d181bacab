"""What every log does alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.adapters.log_rules import (
    fair_share,
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


def test_growing_is_allowed_and_shrinking_is_not() -> None:
    settings = TopicSettings(name="a", partitions=2)
    refuse_to_shrink(settings, partitions_now=1)
    with pytest.raises(UsageError, match="cannot shrink to 2"):
        refuse_to_shrink(settings, partitions_now=3)
