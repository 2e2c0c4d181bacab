"""A feed hands over every change once and in order, whatever it was given how often."""

import random
from collections import defaultdict
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.adapters.clock import ManualClock
from services.identity.adapters.memory.log import MemoryLog
from services.identity.domain.ids import Micros, ProfileId
from services.identity.ports import Message, Partition, TopicSettings
from services.identity.wire.changes import PROFILE_CHANGES, SEGMENT_CHANGES, outgoing
from services.identity.wire.feed import TOPICS, Feed, FeedBrokenError, FeedReader

PLACES = (Partition(PROFILE_CHANGES, 0), Partition(SEGMENT_CHANGES, 0))
Told = tuple[str, int, int]  # profile, sequence, place
TOLD = st.tuples(st.sampled_from("ab"), st.integers(1, 5), st.integers(0, 1))


def message(profile: str, sequence: int, place: int = 0, *, offset: int = 0) -> Message:
    sent = outgoing(
        PLACES[place].topic,
        "profile.attached",
        profile=ProfileId(profile),
        sequence=sequence,
        at=Micros(0),
        data={},
    )
    return Message(
        partition=PLACES[place],
        offset=offset,
        appended_at=Micros(offset),
        key=sent.key,
        value=sent.value,
    )


class Reader:
    """Keeps what it has done, as a reader of the feed must."""

    def __init__(self) -> None:
        self.done: dict[str, int] = defaultdict(int)
        self.feed = Feed(lambda profile: self.done[profile])
        self.seen: list[tuple[str, int]] = []

    def take(self, *messages: Message) -> list[tuple[str, int]]:
        changes = [(c.profile_id, c.sequence) for c in self.feed.take(messages).changes]
        self.done |= dict(changes)
        self.seen += changes
        return changes


def test_a_repeat_is_dropped_and_an_early_change_waits_for_its_turn() -> None:
    reader = Reader()
    assert reader.take(message("a", 1), message("a", 1)) == [("a", 1)]
    assert reader.take(message("a", 1), message("a", 3)) == []
    assert reader.take(message("a", 2, 1)) == [("a", 2), ("a", 3)]
    assert reader.take(message("a", 2), message("a", 3)) == []


def test_a_repeat_is_held_by_nobody() -> None:
    reader = Reader()
    reader.take(message("a", 1), message("a", 2, offset=1))
    batch = reader.feed.take([message("a", sequence, offset=1 + sequence) for sequence in (1, 2)])
    assert batch.next_offsets == {PLACES[0]: 4}
    assert reader.feed.gaps(held_before=Micros(99)) == []


@given(st.lists(TOLD, max_size=40), st.integers(1, 5))
def test_each_change_is_handed_over_once_and_in_order(told: list[Told], size: int) -> None:
    """All of a profile up to the first that never came, and nothing else."""
    reader = Reader()
    messages = [message(*each, offset=offset) for offset, each in enumerate(told)]
    for start in range(0, len(messages), size):
        reader.take(*messages[start : start + size])
    for profile in "ab":
        came = {sequence for name, sequence, _ in told if name == profile}
        whole = [s for s in sorted(came) if set(range(1, s)) <= came]
        assert [sequence for name, sequence in reader.seen if name == profile] == whole


@given(st.lists(TOLD, max_size=30), st.integers(0, 10_000))
def test_a_crash_at_any_batch_loses_nothing(told: list[Told], seed: int) -> None:
    """What was held is read again: the offsets to start at never pass it."""
    choose = random.Random(seed)
    logs: dict[Partition, list[Message]] = {place: [] for place in PLACES}
    for profile, sequence, topic in told:
        log = logs[PLACES[topic]]
        log.append(message(profile, sequence, topic, offset=len(log)))
    undisturbed = Reader()
    undisturbed.take(*(each for log in logs.values() for each in log))
    reader, kept = Reader(), dict.fromkeys(PLACES, 0)
    at = dict(kept)
    for _ in range(60):
        if choose.random() < 0.2:  # it dies: only what it kept is known
            reader.feed = Feed(lambda profile: reader.done[profile])
            at = dict(kept)
        place = choose.choice(PLACES)
        size = choose.randint(0, 4)
        batch = reader.feed.take(logs[place][at[place] : at[place] + size])
        at[place] = min(at[place] + size, len(logs[place]))
        reader.done |= {c.profile_id: c.sequence for c in batch.changes}
        reader.seen += [(c.profile_id, c.sequence) for c in batch.changes]
        kept |= batch.next_offsets
    for place in PLACES:
        reader.take(*logs[place][at[place] :])
    assert sorted(reader.seen) == sorted(undisturbed.seen)


def test_a_gap_is_named_with_its_age() -> None:
    reader = Reader()
    reader.take(message("a", 1), message("a", 4, offset=7), message("b", 2, offset=9))
    assert [
        (g.profile_id, g.first, g.last, g.since) for g in reader.feed.gaps(held_before=Micros(8))
    ] == [("a", 2, 3, 7)]
    assert [g.profile_id for g in reader.feed.gaps(held_before=Micros(10))] == ["a", "b"]
    reader.take(message("a", 3), message("a", 2), message("b", 1))
    assert reader.feed.gaps(held_before=Micros(99)) == []


def test_it_holds_no_more_than_its_bound() -> None:
    feed = Feed(lambda _: 0, held_max=3)
    feed.take([message("a", sequence) for sequence in (2, 3, 4)])
    with pytest.raises(FeedBrokenError, match="more than 3 changes"):
        feed.take([message("a", 5)])


@pytest.fixture
def log() -> Iterator[MemoryLog]:
    log = MemoryLog(ManualClock(Micros(1)))
    log.ensure_topics([TopicSettings(name=name, partitions=2) for name in TOPICS])
    yield log
    log.close()


def test_a_reader_reads_both_topics_and_knows_when_it_is_at_the_end(log: MemoryLog) -> None:
    log.producer().append(
        [
            outgoing(topic, "x", profile=ProfileId("a"), sequence=s, at=Micros(0), data={})
            for s, topic in ((1, PROFILE_CHANGES), (2, SEGMENT_CHANGES), (3, PROFILE_CHANGES))
        ]
    )
    done = {"a": 0}
    kept: dict[Partition, int] = {}

    def start(_: frozenset[Partition]) -> dict[Partition, int]:
        return kept

    for expected in ([1, 2, 3], []):  # the second one starts where the first ended
        reader = FeedReader(log, group="g", start=start, last_done=done.__getitem__)
        batch = reader.poll(timeout_ms=0)
        assert [change.sequence for change in batch.changes] == expected
        assert reader.is_at_end()
        done |= {change.profile_id: change.sequence for change in batch.changes}
        kept |= batch.next_offsets
        reader.close()


def test_a_reader_is_at_the_end_behind_the_marker_of_a_transaction(log: MemoryLog) -> None:
    """And keeps that place: what starts again there is at the end, too."""
    place = PLACES[0]
    log.leave_hole(place)
    reader = FeedReader(log, group="g", start=lambda _: {}, last_done=lambda _: 0)
    batch = reader.poll(timeout_ms=0)
    assert reader.is_at_end()
    assert batch.next_offsets[place] == 1
    reader.close()


def test_a_reader_is_at_the_end_though_a_change_never_came(log: MemoryLog) -> None:
    """It tells the gap, and does not wait for it; where it starts again is before what is held."""
    late = outgoing(PROFILE_CHANGES, "x", profile=ProfileId("a"), sequence=2, at=Micros(0), data={})
    log.producer().append([late])
    reader = FeedReader(log, group="g", start=lambda _: {}, last_done=lambda _: 0)
    batch = reader.poll(timeout_ms=0)
    assert reader.is_at_end()
    assert set(batch.next_offsets.values()) == {0}
    assert [(gap.first, gap.last) for gap in reader.gaps(held_before=Micros(9))] == [(1, 1)]
    reader.close()
