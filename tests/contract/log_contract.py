"""What every EventLog keeps: order per key, offsets without gaps, restart where the caller says."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count, pairwise

import pytest

from services.identity.domain.errors import RejectedError, RejectReason, UsageError
from services.identity.ports import (
    Consumer,
    EventLog,
    Message,
    OutgoingMessage,
    Partition,
    Position,
    StartingOffsets,
    TopicSettings,
)

PARTITIONS = 3
WAIT_SECONDS_MAX = 30  # only reached when something is broken
_names = count(1)

Join = Callable[..., Consumer]
Append = Callable[..., Sequence[Position]]


def from_the_beginning(_: frozenset[Partition]) -> Mapping[Partition, int]:
    return {}


def outgoing(topic: str, key: str, value: str) -> OutgoingMessage:
    return OutgoingMessage(topic=topic, key=key.encode(), value=value.encode())


def read(consumer: Consumer, number: int) -> list[Message]:
    """Exactly this many messages: then one more look, which must find nothing."""
    found: list[Message] = []
    give_up_at = time.monotonic() + WAIT_SECONDS_MAX
    while len(found) < number and time.monotonic() < give_up_at:
        found.extend(consumer.poll(records_max=500, timeout_ms=100))
    found.extend(consumer.poll(records_max=500, timeout_ms=20))
    assert len(found) == number
    return found


def until(consumers: Sequence[Consumer], done: Callable[[], bool]) -> None:
    """Let every member poll in turn until `done`; meanwhile no partition has two owners."""
    give_up_at = time.monotonic() + WAIT_SECONDS_MAX
    while not done():
        assert time.monotonic() < give_up_at, [sorted(each.assignment()) for each in consumers]
        for consumer in consumers:
            assert not consumer.poll(records_max=100, timeout_ms=50)
        owned = [partition for each in consumers for partition in each.assignment()]
        assert len(owned) == len(set(owned))


def by_partition(messages: Sequence[Message]) -> dict[Partition, list[Message]]:
    found: dict[Partition, list[Message]] = defaultdict(list)
    for message in messages:
        found[message.partition].append(message)
    return found


class LogContract:
    """Subclasses give the fixture `log`."""

    @pytest.fixture
    def topic(self, log: EventLog) -> str:
        name = f"contract-{next(_names)}"
        log.ensure_topics((TopicSettings(name=name, partitions=PARTITIONS),))
        return name

    @pytest.fixture
    def join(self, log: EventLog, topic: str) -> Iterator[Join]:
        """Members of a group that are closed when the test ends."""
        opened: list[Consumer] = []

        def joined(group: str = "readers", start: StartingOffsets = from_the_beginning) -> Consumer:
            consumer = log.consumer(topics=[topic], group=f"{topic}-{group}", start=start)
            opened.append(consumer)
            return consumer

        yield joined
        for consumer in opened:
            consumer.close()

    @pytest.fixture
    def append(self, log: EventLog) -> Iterator[Append]:
        producer = log.producer()
        yield lambda *messages: producer.append(messages)
        producer.close()

    def test_what_was_appended_is_read_as_it_was(
        self, topic: str, append: Append, join: Join
    ) -> None:
        sent = [
            OutgoingMessage(topic=topic, key=b"a", value=b"plain"),
            OutgoingMessage(topic=topic, key=b"a", value=b"", headers=(("trace", b"1"),)),
            OutgoingMessage(topic=topic, key=b"a", value=b"\x00\xff", headers=(("t", b""),)),
            OutgoingMessage(topic=topic, key=b"a", value=b"x", headers=(("t", b"1"), ("t", b"2"))),
            OutgoingMessage(topic=topic, key=b"", value=b"empty key"),
            OutgoingMessage(topic=topic, key=b"a", value=None, headers=(("why", b"erased"),)),
        ]
        append(*sent)
        found = [(each.key, each.value, each.headers) for each in read(join(), len(sent))]
        assert sorted(map(str, found)) == sorted(
            str((each.key, each.value, each.headers)) for each in sent
        )

    def test_a_tombstone_has_no_value_and_an_empty_message_has_one(
        self, topic: str, append: Append, join: Join
    ) -> None:
        append(
            OutgoingMessage(topic=topic, key=b"a", value=None),
            OutgoingMessage(topic=topic, key=b"a", value=b""),
        )
        assert [each.value for each in read(join(), 2)] == [None, b""]

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

    def test_a_value_of_the_largest_size_passes_and_a_larger_one_is_refused(
        self, append: Append, join: Join, topic: str
    ) -> None:
        bytes_max = TopicSettings(name=topic, partitions=PARTITIONS).message_bytes_max
        largest = bytes(range(256)) * (bytes_max // 256)
        append(
            outgoing(topic, "k", "before"), OutgoingMessage(topic=topic, key=b"k", value=largest)
        )
        with pytest.raises(RejectedError) as refused:
            append(
                outgoing(topic, "k", "never"),
                OutgoingMessage(topic=topic, key=b"k", value=largest + b"x"),
            )
        assert refused.value.reason == RejectReason.TOO_LARGE
        assert [each.value for each in read(join(), 2)] == [b"before", largest]

    def test_an_unknown_topic_is_refused(self, log: EventLog, append: Append) -> None:
        with pytest.raises(UsageError, match="no-such-topic"):
            append(outgoing("no-such-topic", "k", "x"))
        with pytest.raises(UsageError, match="no-such-topic"):
            log.consumer(topics=["no-such-topic"], group="g", start=from_the_beginning)

    def test_topics_can_be_ensured_again_and_grow_but_never_shrink(
        self, log: EventLog, topic: str, join: Join
    ) -> None:
        log.ensure_topics((TopicSettings(name=topic, partitions=PARTITIONS, retention_ms=60_000),))
        log.ensure_topics((TopicSettings(name=topic, partitions=PARTITIONS + 1),))
        consumer = join()
        until([consumer], lambda: len(consumer.assignment()) == PARTITIONS + 1)
        with pytest.raises(UsageError, match="cannot shrink"):
            log.ensure_topics((TopicSettings(name=topic, partitions=PARTITIONS),))
