"""An event that nobody has landed yet is found where it waits."""

import pytest

from services.cli import waiting
from services.cli.tracing import waiting_line
from services.cli.waiting import find_waiting
from services.identity.adapters.clock import ManualClock
from services.identity.adapters.memory.log import MemoryLog
from services.identity.domain.ids import Micros
from services.identity.ports import OutgoingMessage, Partition, TopicSettings
from services.identity.wire.events import TOPIC
from tests.factories import channel_event, outgoing

PLACE = Partition(TOPIC, 0)


@pytest.fixture
def log() -> MemoryLog:
    """Five events: m-0 to m-3, m-1 twice; one that nobody can read; and a hole."""
    log = MemoryLog(ManualClock(Micros(1)))
    log.ensure_topics([TopicSettings(name=TOPIC, partitions=1)])
    names = ("m-0", "m-1", "m-2", "m-1", "m-3")
    events = [channel_event(user_id="ann", message_id=name) for name in names]
    log.producer().append([outgoing(each) for each in events])
    log.producer().append([OutgoingMessage(topic=TOPIC, key=b"k", value=b"not an event")])
    log.leave_hole(PLACE)
    return log


def offsets_of(
    log: MemoryLog, landed: int, message_id: str, source: str | None = None
) -> list[int]:
    found, left = find_waiting(log, {(TOPIC, 0): landed}, message_id=message_id, source=source)
    assert left == 0
    return [each.offset for each in found]


def test_every_copy_that_waits_is_found_and_none_that_is_landed(log: MemoryLog) -> None:
    assert offsets_of(log, 0, "m-1") == [1, 3]
    assert offsets_of(log, 2, "m-1") == [3]
    assert offsets_of(log, 4, "m-1") == []
    assert offsets_of(log, 7, "m-1") == []
    assert offsets_of(log, 0, "m-9") == []


def test_only_of_the_source_that_is_asked_for(log: MemoryLog) -> None:
    assert offsets_of(log, 0, "m-1", "web") == [1, 3]
    assert offsets_of(log, 0, "m-1", "billing") == []


def test_it_is_told_how_many_come_before_it(log: MemoryLog) -> None:
    found, _ = find_waiting(log, {(TOPIC, 0): 1}, message_id="m-3", source=None)
    (line,) = [waiting_line(each.members()) for each in found]
    assert "not landed yet, at channel-events/0/4" in line
    assert line.endswith("3 events of its partition are landed before it")


def test_a_backlog_beyond_the_bound_is_told_of(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MESSAGES_MAX", 2)
    monkeypatch.setattr(waiting, "POLL_MESSAGES_MAX", 2)
    found, left = find_waiting(log, {}, message_id="m-1", source=None)
    assert ([each.offset for each in found], left) == ([1], 5)
