"""Group commit: requests queue their messages, one append at a time takes all that wait.

Invariant: a request is answered with success only after an append that held all of its messages
returned. Messages are appended in the order in which requests queued them. Held by
tests/unit/services/ingest/test_appender.py.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from services.identity.domain.errors import RetryableError
from services.identity.ports import OutgoingMessage, Position, Producer

Patience = Callable[[float], asyncio.Timeout]
"""How a request waits for so many seconds and no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    messages: Sequence[OutgoingMessage]
    bytes: int
    done: asyncio.Future[Sequence[Position]]


class Appender:
    """Belongs to one event loop; the blocking producer runs in one thread of its own."""

    def __init__(
        self,
        producer: Producer,
        *,
        queue_messages_max: int,
        queue_bytes_max: int,
        append_messages_max: int,
        wait_ms_max: int,
        stop_ms_max: int,
        patience: Patience = asyncio.timeout,
    ) -> None:
        self._producer = producer
        self._queue_messages_max = queue_messages_max
        self._queue_bytes_max = queue_bytes_max
        self._append_messages_max = append_messages_max
        self._wait_seconds_max = wait_ms_max / 1_000
        self._stop_seconds_max = stop_ms_max / 1_000
        self._patience = patience
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="append")
        self._queue: deque[_Waiting] = deque()
        self._queued = 0
        self._queued_bytes = 0
        self._draining: asyncio.Task[None] | None = None
        self._is_closed = False

    async def append(self, messages: Sequence[OutgoingMessage]) -> Sequence[Position]:
        """The position after each message, once all are durable.

        Raises RetryableError when the queue is full, the log cannot be reached, or it took longer
        than the bound; then they may or may not be there, and sending again is safe.
        """
        if self._is_closed:
            raise _shutting_down()
        size = sum(len(message.value or b"") for message in messages)
        if self._queued and (
            self._queued + len(messages) > self._queue_messages_max
            or self._queued_bytes + size > self._queue_bytes_max
        ):
            raise RetryableError("too many events wait for the log")
        done: asyncio.Future[Sequence[Position]] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(messages=messages, bytes=size, done=done))
        self._queued += len(messages)
        self._queued_bytes += size
        if self._draining is None or self._draining.done():
            self._draining = asyncio.create_task(self._drain())
        try:
            async with self._patience(self._wait_seconds_max):
                return await done
        except TimeoutError:
            raise RetryableError("the log did not answer in time") from None

    def check(self) -> None:
        """Raises RetryableError when nothing can be queued now."""
        if self._is_closed:
            raise _shutting_down()
        if self._queued >= self._queue_messages_max or self._queued_bytes >= self._queue_bytes_max:
            raise RetryableError("too many events wait for the log")

    async def close(self) -> None:
        """Append what still waits, then stop. Nobody was promised what the log will not take."""
        self._is_closed = True
        is_drained = True
        if self._draining is not None:
            _, late = await asyncio.wait([self._draining], timeout=self._stop_seconds_max)
            is_drained = not late
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)  # it tells those who wait
        for each in self._queue:
            if not each.done.done():
                each.done.set_exception(_shutting_down())
        self._queue.clear()
        self._thread.shutdown(wait=is_drained)

    async def _drain(self) -> None:
        while self._queue:
            group = self._take()
            if not await self._append_together(group):
                for each in group:  # one of them spoils the rest: each by itself
                    await self._append_together([each])

    async def _append_together(self, group: Sequence[_Waiting]) -> bool:
        """False when an error that is not the log's own may belong to a part of the group only."""
        messages = [message for each in group for message in each.messages]
        loop = asyncio.get_running_loop()
        try:
            positions = await loop.run_in_executor(self._thread, self._producer.append, messages)
        except asyncio.CancelledError:  # the log is too slow for a process that ends
            for each in group:
                if not each.done.done():
                    each.done.set_exception(_shutting_down())
            raise
        except Exception as error:  # noqa: BLE001  # whatever it was, it belongs to the senders
            if len(group) > 1 and not isinstance(error, RetryableError):
                return False
            for each in group:
                if not each.done.done():  # it did not give up waiting
                    each.done.set_exception(error)
        else:
            _tell(group, positions)
        return True

    def _take(self) -> list[_Waiting]:
        """Whole requests, at least one, at most the bound together."""
        group: list[_Waiting] = []
        count = 0
        while self._queue:
            size = len(self._queue[0].messages)
            if group and count + size > self._append_messages_max:
                break
            group.append(self._queue.popleft())
            count += size
        self._queued -= count
        self._queued_bytes -= sum(each.bytes for each in group)
        return group


def _shutting_down() -> RetryableError:
    return RetryableError("ingest is shutting down")


def _tell(group: Sequence[_Waiting], positions: Sequence[Position]) -> None:
    """To each its own positions: the producer gives one a message, in their order."""
    start = 0
    for each in group:
        end = start + len(each.messages)
        if not each.done.done():
            each.done.set_result(positions[start:end])
        start = end
