"""What every EventLog keeps: order per key, offsets without gaps, restart where the caller says."""

import threading
import time
from collections import defaultdict
from itertools import pairwise

import pytest

from services.identity.domain.errors import RetryableError
from services.identity.ports import (
    EventLog,
    OutgoingMessage,
    Partition,
    Position,
    TopicSettings,
)
from tests.contract.log_bytes_contract import BytesContract
from tests.contract.log_fixtures import (
    PARTITIONS,
    Append,
    Join,
    by_partition,
    from_the_beginning,
    outgoing,
    read,
    until,
)
from tests.contract.log_losses_contract import LossesContract
from tests.contract.log_members_contract import MembersContract
from tests.contract.log_topics_contract import TopicsContract


class LogContract(BytesContract, LossesContract, MembersContract, TopicsContract):
    """Subclasses give the fixtures `log`, `impatient_log` and `remove`."""

    def test_equal_keys_share_a_partition_and_keep_their_order(
        self, topic: str, append: Append, join: Join
    ) -> None:
        keys = ["k-1", "k-2", "k-3", "k-4", "k-5", "k-6"]
        for turn in range(5):
            append(*(outgoing(topic, key, str(turn)) for key in keys))
        places: dict[bytes, set[Partition]] = defaultdict(set)
        turns: dict[bytes, list[int]] = defaultdict(list)
        for message in read(join(), 30):
            assert message.key is not None
            assert message.value is not None
            places[message.key].add(message.partition)
            turns[message.key].append(int(message.value))
        assert all(len(each) == 1 for each in places.values())
        assert all(each == [0, 1, 2, 3, 4] for each in turns.values())
        assert len(set().union(*places.values())) > 1

    def test_messages_without_a_key_are_spread(
        self, topic: str, append: Append, join: Join
    ) -> None:
        append(*(OutgoingMessage(topic=topic, key=None, value=b"x") for _ in range(6)))
        sizes = [len(each) for each in by_partition(read(join(), 6)).values()]
        assert sizes == [2, 2, 2]

    def test_append_answers_the_position_after_each_message(
        self, topic: str, append: Append, join: Join
    ) -> None:
        answered = append(*(outgoing(topic, f"k-{turn % 4}", str(turn)) for turn in range(9)))
        at = {(each.partition, each.offset + 1): each.value for each in read(join(), 9)}
        read_there = [at[each.partition, each.next_offset] for each in answered]
        assert read_there == [str(turn).encode() for turn in range(9)]

    def test_nothing_appended_is_nothing_answered(self, append: Append) -> None:
        assert list(append()) == []

    def test_offsets_have_no_gaps_and_times_follow_them(
        self, topic: str, append: Append, join: Join
    ) -> None:
        for turn in range(4):
            append(*(outgoing(topic, f"k-{key}", str(turn)) for key in range(5)))
        for messages in by_partition(read(join(), 20)).values():
            assert [each.offset for each in messages] == list(range(len(messages)))
            assert all(a.appended_at <= b.appended_at for a, b in pairwise(messages))

    def test_concurrent_appends_become_visible_in_order(
        self, log: EventLog, topic: str, join: Join
    ) -> None:
        """A reader that runs along sees every offset once, in order, and each writer's order."""
        writers, turns = 3, 25

        def write(writer: int) -> None:
            producer = log.producer()
            for turn in range(turns):
                producer.append(
                    [outgoing(topic, f"{writer}-{key}", str(turn)) for key in range(1 + turn % 3)]
                )
            producer.close()

        expected = writers * sum(1 + turn % 3 for turn in range(turns))
        threads = [threading.Thread(target=write, args=(each,)) for each in range(writers)]
        for thread in threads:
            thread.start()
        messages = read(join(), expected)
        for thread in threads:
            thread.join()
        for found in by_partition(messages).values():
            assert [each.offset for each in found] == list(range(len(found)))
        order: dict[bytes, list[int]] = defaultdict(list)
        for message in messages:
            assert message.key is not None
            assert message.value is not None
            order[message.key].append(int(message.value))
        assert all(each == sorted(each) for each in order.values())

    def test_seek_reads_again(self, topic: str, append: Append, join: Join) -> None:
        append(*(outgoing(topic, "k", str(turn)) for turn in range(4)))
        consumer = join()
        partition = read(consumer, 4)[0].partition
        consumer.seek(Position(partition, 2))
        assert [each.value for each in read(consumer, 2)] == [b"2", b"3"]

    def test_seek_refuses_a_partition_that_is_not_assigned(self, topic: str, join: Join) -> None:
        consumer = join()
        with pytest.raises(ValueError, match="assigned"):
            consumer.seek(Position(Partition(topic, PARTITIONS), 0))

    def test_end_offsets_are_the_next_to_be_written(
        self, topic: str, append: Append, join: Join
    ) -> None:
        consumer = join()
        until([consumer], lambda: len(consumer.assignment()) == PARTITIONS)
        assert set(consumer.end_offsets().values()) == {0}
        answered = append(*(outgoing(topic, f"k-{turn}", "x") for turn in range(7)))
        ends = consumer.end_offsets()
        assert sum(ends.values()) == 7
        assert all(ends[each.partition] >= each.next_offset for each in answered)

    def test_end_offsets_of_a_topic_need_no_member(
        self, log: EventLog, topic: str, append: Append
    ) -> None:
        assert log.end_offsets(topic) == {Partition(topic, each): 0 for each in range(PARTITIONS)}
        append(*(outgoing(topic, f"k-{turn}", "x") for turn in range(7)))
        assert sum(log.end_offsets(topic).values()) == 7
        assert log.end_offsets("no-such-topic") == {}

    def test_a_poll_is_bounded_in_number_and_in_time(
        self, topic: str, append: Append, join: Join
    ) -> None:
        append(*(outgoing(topic, f"k-{turn}", "x") for turn in range(12)))
        consumer = join()
        sizes: list[int] = []
        while sum(sizes) < 12:
            sizes.append(len(consumer.poll(records_max=2, timeout_ms=100)))
        assert max(sizes) == 2
        began = time.monotonic()
        assert not consumer.poll(records_max=2, timeout_ms=60)
        assert 0.05 <= time.monotonic() - began < 2

    def test_a_waiting_poll_sees_a_new_message_at_once(
        self, topic: str, append: Append, join: Join
    ) -> None:
        consumer = join()
        until([consumer], lambda: len(consumer.assignment()) == PARTITIONS)
        later = threading.Timer(0.1, lambda: append(outgoing(topic, "k", "now")))
        later.start()
        began = time.monotonic()
        found = consumer.poll(records_max=10, timeout_ms=10_000)
        later.join()
        assert [each.value for each in found] == [b"now"]
        assert time.monotonic() - began < 5

    def test_an_unknown_topic_is_worth_another_try(
        self, log: EventLog, topic: str, append: Append
    ) -> None:
        with pytest.raises(RetryableError, match="no-such-topic"):
            append(outgoing("no-such-topic", "k", "x"))
        with pytest.raises(RetryableError, match="no-such-topic"):
            log.consumer(topics=["no-such-topic"], group="g", start=from_the_beginning)
        later = f"{topic}-later"
        with pytest.raises(RetryableError, match=later):
            append(outgoing(later, "k", "x"))
        log.ensure_topics((TopicSettings(name=later, partitions=1),))
        assert len(append(outgoing(later, "k", "x"))) == 1
