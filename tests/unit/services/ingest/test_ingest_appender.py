"""Group commit: what waits together is appended together, in order, and answered after."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from services.identity.domain.errors import RejectedError, RejectReason, RetryableError
from services.identity.ports import OutgoingMessage, Partition, Position
from services.ingest.appender import Appender

NEVER_SECONDS = 600  # what a test must not wait for; a process may be stopped for minutes
NEVER_MS = NEVER_SECONDS * 1_000


class Patience:
    """Requests wait until the test says that their time is over, whatever the clock says."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._open: list[asyncio.Timeout] = []

    def __call__(self, seconds: float) -> asyncio.Timeout:
        self.seconds.append(seconds)
        self._open.append(asyncio.timeout(None))
        return self._open[-1]

    def run_out(self) -> None:
        """For who began to wait last."""
        self._open[-1].reschedule(asyncio.get_running_loop().time())


class SlowProducer:
    """Holds every append until it is let go; gives each message the next offset."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.appended: list[list[bytes]] = []
        self.error: Exception | None = None

    def append(self, messages: Sequence[OutgoingMessage]) -> Sequence[Position]:
        if not self.go.acquire(timeout=NEVER_SECONDS):
            raise AssertionError("nobody let the append go")
        values = [message.value or b"" for message in messages]
        if self.error is not None or b"bad" in values:
            raise self.error or RejectedError(RejectReason.TOO_LARGE, "one of them")
        start = sum(map(len, self.appended))
        self.appended.append(values)
        return [Position(Partition("t", 0), start + i + 1) for i in range(len(values))]

    def close(self) -> None:
        """Nothing is open."""


def message(text: str) -> OutgoingMessage:
    return OutgoingMessage(topic="t", key=None, value=text.encode())


def appender(producer: SlowProducer, patience: Patience | None = None, **bounds: int) -> Appender:
    given = {
        "queue_messages_max": 10,
        "queue_bytes_max": 1_000,
        "append_messages_max": 3,
        "wait_ms_max": NEVER_MS,
        "stop_ms_max": NEVER_MS,
        **bounds,
    }
    return Appender(producer, patience=patience or Patience(), **given)


async def start(under: Appender, *texts: str) -> asyncio.Task[Sequence[Position]]:
    task = asyncio.create_task(under.append([message(each) for each in texts]))
    await asyncio.sleep(0)
    return task


async def test_what_waits_is_appended_together_and_each_gets_its_own_positions() -> None:
    producer = SlowProducer()
    under = appender(producer)
    tasks = [await start(under, *texts) for texts in (["a"], ["b", "c"], ["d"], ["e"])]
    for _ in range(4):
        producer.go.release()
    offsets = [[each.next_offset for each in await task] for task in tasks]
    assert [value for group in producer.appended for value in group] == [
        b"a",
        b"b",
        b"c",
        b"d",
        b"e",
    ]
    assert len(producer.appended) < 4
    assert offsets == [[1], [2, 3], [4], [5]]
    await under.close()


async def test_nobody_is_answered_before_the_append_returned() -> None:
    producer = SlowProducer()
    under = appender(producer)
    task = await start(under, "a")
    await asyncio.sleep(0.02)
    assert not task.done()
    producer.go.release()
    assert len(await task) == 1
    await under.close()


async def test_few_large_messages_fill_the_queue_too() -> None:
    """Its bound is of bytes as well: the memory that an absent log costs."""
    producer = SlowProducer()
    under = appender(producer, queue_bytes_max=100)
    first = await start(under, "x" * 90)
    await asyncio.sleep(0.01)  # being appended, no longer queued
    waiting = await start(under, "y" * 60)
    with pytest.raises(RetryableError, match="too many"):
        await under.append([message("z" * 41)])
    under.check()
    fitting = await start(under, "z" * 40)
    with pytest.raises(RetryableError, match="too many"):
        under.check()
    for _ in range(3):
        producer.go.release()
    await asyncio.gather(first, waiting, fitting)
    under.check()
    await under.close()


async def test_stopping_does_not_wait_for_a_log_that_is_away() -> None:
    producer = SlowProducer()
    under = appender(producer, stop_ms_max=20)
    hanging = await start(under, "a")
    await asyncio.sleep(0.01)
    queued = await start(under, "b")
    await under.close()
    with pytest.raises(RetryableError, match="shutting down"):
        await queued
    with pytest.raises(RetryableError, match="shutting down"):  # it may be there: sent again
        await hanging
    producer.go.release()
    assert all(b"b" not in group for group in producer.appended)


async def test_a_full_queue_is_refused_and_drains_again() -> None:
    producer = SlowProducer()
    under = appender(producer, queue_messages_max=2)
    first = await start(under, "a")
    await asyncio.sleep(0.01)  # the first is being appended, no longer queued
    waiting = await start(under, "b", "c")
    with pytest.raises(RetryableError, match="too many"):
        await under.append([message("d")])
    for _ in range(2):
        producer.go.release()
    await asyncio.gather(first, waiting)
    under.check()
    await under.close()


async def test_a_request_larger_than_the_queue_passes_alone() -> None:
    producer = SlowProducer()
    under = appender(producer, queue_messages_max=2)
    producer.go.release()
    assert len(await under.append([message(str(n)) for n in range(5)])) == 5
    await under.close()


async def test_a_log_that_is_down_is_told_to_all_who_waited() -> None:
    producer = SlowProducer()
    producer.error = RetryableError("down")
    under = appender(producer)
    tasks = [await start(under, "a"), await start(under, "b")]
    for _ in range(2):
        producer.go.release()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in results] == [RetryableError, RetryableError]
    await under.close()


async def test_one_bad_message_spoils_nobody_elses_request() -> None:
    producer = SlowProducer()
    under = appender(producer)
    tasks = [await start(under, text) for text in ("a", "bad", "c")]
    for _ in range(6):
        producer.go.release()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each).__name__ for each in results] == ["list", "RejectedError", "list"]
    assert [value for group in producer.appended for value in group] == [b"a", b"c"]
    await under.close()


async def test_who_waited_too_long_is_told_and_the_rest_goes_on() -> None:
    producer, patience = SlowProducer(), Patience()
    under = appender(producer, patience, wait_ms_max=20)
    late = await start(under, "a")
    patience.run_out()
    with pytest.raises(RetryableError, match="in time"):
        await late
    assert patience.seconds == [0.02]
    producer.go.release()
    producer.go.release()
    assert len(await under.append([message("b")])) == 1
    await under.close()


async def test_closing_appends_what_waits_and_takes_no_more() -> None:
    producer = SlowProducer()
    under = appender(producer)
    task = await start(under, "a")
    producer.go.release()
    await under.close()
    assert len(await task) == 1
    with pytest.raises(RetryableError, match="shutting down"):
        await under.append([message("b")])
