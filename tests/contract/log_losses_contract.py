"""What every EventLog keeps when retention removes what a reader had not read: it says so."""

from collections.abc import Callable

import pytest

from services.identity.ports import Loss, MessagesLostError, Partition, Position, StartingOffsets
from tests.contract.log_fixtures import Append, Join, LogFixtures, outgoing, read, until

Remove = Callable[[Position], None]


class LossesContract(LogFixtures):
    """Subclasses give the fixture `remove`, which removes what stands before a position."""

    @pytest.fixture
    def filled(self, topic: str, append: Append) -> Partition:
        answered = append(*(outgoing(topic, "k", str(turn)) for turn in range(6)))
        return answered[0].partition

    def test_what_was_removed_before_it_was_read_is_told_until_the_reader_seeks_past_it(
        self, filled: Partition, join: Join, remove: Remove
    ) -> None:
        remove(Position(filled, 4))
        consumer = join(start=_at(Position(filled, 2)))
        for _ in range(2):
            with pytest.raises(MessagesLostError) as caught:
                until([consumer], lambda: False)
            assert caught.value.losses == (Loss(partition=filled, first=2, kept=4),)
        consumer.seek(Position(filled, 4))
        assert [each.value for each in read(consumer, 2)] == [b"4", b"5"]

    def test_a_log_that_holds_nothing_any_more_is_read_on_from_its_end(
        self, filled: Partition, join: Join, append: Append, remove: Remove
    ) -> None:
        remove(Position(filled, 6))
        consumer = join(start=_at(Position(filled, 2)))
        with pytest.raises(MessagesLostError) as caught:
            until([consumer], lambda: False)
        assert caught.value.losses == (Loss(partition=filled, first=2, kept=6),)
        consumer.seek(Position(filled, 6))
        append(outgoing(filled.topic, "k", "new"))
        assert [each.value for each in read(consumer, 1)] == [b"new"]

    def test_who_has_read_so_far_loses_nothing(
        self, filled: Partition, join: Join, append: Append, remove: Remove
    ) -> None:
        consumer = join()
        read(consumer, 6)
        remove(Position(filled, 6))
        append(outgoing(filled.topic, "k", "new"))
        assert [each.value for each in read(consumer, 1)] == [b"new"]

    def test_who_knows_no_offset_begins_with_what_is_left(
        self, filled: Partition, join: Join, remove: Remove
    ) -> None:
        remove(Position(filled, 4))
        assert [each.value for each in read(join(), 2)] == [b"4", b"5"]


def _at(position: Position) -> StartingOffsets:
    return lambda _: {position.partition: position.next_offset}
