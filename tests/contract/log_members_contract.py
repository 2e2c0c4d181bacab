"""What every EventLog keeps while members of a group come, stall, wake up, leave and restart."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

import pytest

from services.identity.domain.errors import UsageError
from services.identity.ports import Consumer, EventLog, Message, Partition
from tests.contract.log_fixtures import (
    PARTITIONS,
    WAIT_SECONDS_MAX,
    Append,
    Join,
    LogFixtures,
    by_partition,
    outgoing,
    read,
    until,
)


class MembersContract(LogFixtures):
    def test_a_restart_resumes_where_the_caller_says(
        self, topic: str, append: Append, join: Join
    ) -> None:
        append(*(outgoing(topic, f"k-{turn % 5}", str(turn)) for turn in range(20)))
        stored: dict[Partition, int] = {}
        asked: list[frozenset[Partition]] = []

        def start(partitions: frozenset[Partition]) -> Mapping[Partition, int]:
            asked.append(partitions)
            return {each: stored[each] for each in partitions if each in stored}

        first = join(start=start)
        done: list[Message] = []
        while len(done) < 8:
            batch = first.poll(records_max=3, timeout_ms=100)
            done.extend(batch)
            stored.update({each.partition: each.offset + 1 for each in batch})
        lost = first.poll(records_max=3, timeout_ms=100)  # read, never committed
        assert lost
        first.close()
        rest = read(join(start=start), 20 - len(done))
        seen = sorted((each.partition, each.offset) for each in (*done, *rest))
        assert len(set(seen)) == len(seen) == 20
        assert frozenset().union(*asked) == {Partition(topic, each) for each in range(PARTITIONS)}

    def test_readers_without_a_group_take_nothing_from_each_other(
        self, topic: str, append: Append, join: Join
    ) -> None:
        append(*(outgoing(topic, f"k-{turn}", str(turn)) for turn in range(12)))
        readers = [join(group=None), join(group=None), join()]
        for reader in readers:
            read(reader, 12)
            assert len(reader.assignment()) == PARTITIONS
            assert sum(reader.positions().values()) == 12
        append(*(outgoing(topic, f"k-{turn}", str(turn)) for turn in range(3)))
        for reader in readers:
            read(reader, 3)

    def test_a_failing_start_reaches_the_caller_and_is_asked_again(
        self, topic: str, append: Append, join: Join
    ) -> None:
        append(outgoing(topic, "k", "1"))
        failures = iter([True, False])

        def start(_: frozenset[Partition]) -> Mapping[Partition, int]:
            if next(failures, False):
                raise UsageError("no database yet")
            return {}

        consumer = join(start=start)
        with pytest.raises(UsageError):
            until([consumer], lambda: False)
        assert consumer.assignment() == frozenset()
        assert [each.value for each in read(consumer, 1)] == [b"1"]

    def test_two_groups_each_read_everything(self, topic: str, append: Append, join: Join) -> None:
        append(*(outgoing(topic, f"k-{turn}", str(turn)) for turn in range(5)))
        assert len(read(join("one"), 5)) == len(read(join("two"), 5))

    def test_members_share_and_the_rest_takes_over_from_one_that_leaves(
        self, topic: str, append: Append, join: Join
    ) -> None:
        every = {Partition(topic, each) for each in range(PARTITIONS)}
        first = join()
        until([first], lambda: first.assignment() == every)
        second = join()
        both = [first, second]
        until(both, lambda: sorted(len(each.assignment()) for each in both) == [1, 2])
        until(both, lambda: first.assignment() | second.assignment() == every)
        first.close()
        until([second], lambda: second.assignment() == every)
        append(*(outgoing(topic, f"k-{turn}", "x") for turn in range(9)))
        assert len(by_partition(read(second, 9))) > 1

    def test_a_member_that_stalls_loses_its_partitions_and_may_come_back(
        self, impatient_log: EventLog, topic: str, append: Append
    ) -> None:
        """It lives and says nothing. The others go on from what was committed, and so does it."""
        every = {Partition(topic, each) for each in range(PARTITIONS)}
        committed = dict.fromkeys(every, 0)

        def member() -> Consumer:
            return impatient_log.consumer(
                topics=[topic],
                group=f"{topic}-g",
                start=lambda partitions: {each: committed[each] for each in partitions},
            )

        def both_share() -> bool:
            owned = [*stalled.assignment(), *busy.assignment()]
            return sorted(owned) == sorted(every) and 0 < len(busy.assignment()) < PARTITIONS

        append(*(outgoing(topic, f"k-{turn}", "x") for turn in range(12)))
        with closing(member()) as stalled:
            first = polled([stalled], lambda found: len(found) == 12)
            committed |= dict.fromkeys(every, 1)  # so far it came, then it stood still
            with closing(member()) as busy:
                taken = polled([busy], lambda found: len(found) == 12 - PARTITIONS)
                assert busy.assignment() == every
                assert places(taken) == {each for each in places(first) if each[1] >= 1}
                committed |= Counter(each.partition for each in first)
                polled([stalled, busy], lambda _: both_share())
                append(*(outgoing(topic, f"k-{turn}", "more") for turn in range(12)))
                more = polled([stalled, busy], lambda found: len(found) == 12)
                assert {each.value for each in more} == {b"more"}
                assert len(places(more)) == 12


def polled(members: Sequence[Consumer], done: Callable[[list[Message]], bool]) -> list[Message]:
    """What these members read until `done` says that it is enough."""
    found: list[Message] = []
    give_up_at = time.monotonic() + WAIT_SECONDS_MAX
    while not done(found):
        assert time.monotonic() < give_up_at
        for member in members:
            found.extend(member.poll(records_max=100, timeout_ms=50))
    return found


def places(messages: Sequence[Message]) -> set[tuple[Partition, int]]:
    return {(each.partition, each.offset) for each in messages}
