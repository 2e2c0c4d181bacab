"""What a log keeps whose offsets need not all be messages: a reader passes them by, and says so."""

from collections.abc import Callable

import pytest

from services.identity.ports import EventLog, Partition
from tests.contract.log_fixtures import PARTITIONS, Append, Join, LogFixtures, outgoing, read, until

LeaveHole = Callable[[Partition], None]


class HolesContract(LogFixtures):
    """Subclasses give the fixture `leave_hole`: at the end of a partition, from now on."""

    @pytest.fixture
    def broken(self, topic: str, append: Append, leave_hole: LeaveHole) -> Partition:
        """Two messages, a hole, a message, a hole."""
        partition = append(outgoing(topic, "k", "1"), outgoing(topic, "k", "2"))[0].partition
        leave_hole(partition)
        append(outgoing(topic, "k", "3"))
        leave_hole(partition)
        return partition

    def test_what_never_was_a_message_is_no_loss(
        self, log: EventLog, broken: Partition, join: Join
    ) -> None:
        consumer = join()
        assert [each.value for each in read(consumer, 3)] == [b"1", b"2", b"3"]
        end = log.end_offsets(broken.topic)[broken]
        assert end > 3
        until([consumer], lambda: consumer.positions()[broken] == end)

    def test_who_begins_at_a_hole_reads_on_behind_it(
        self, log: EventLog, broken: Partition, join: Join, append: Append
    ) -> None:
        consumer = join(start=lambda _: {broken: 2, Partition(broken.topic, PARTITIONS): 0})
        assert [each.value for each in read(consumer, 1)] == [b"3"]
        append(outgoing(broken.topic, "k", "4"))
        assert [each.value for each in read(consumer, 1)] == [b"4"]
        assert consumer.positions()[broken] == log.end_offsets(broken.topic)[broken]
