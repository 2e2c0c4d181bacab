"""Requests over loopback from a process of its own, as fast as answered or at a fixed rate.

At a fixed rate latency counts from the moment a request was due, so that a server that stalls
cannot hide the requests that waited for it.
"""

import asyncio
import base64
import gc
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvloop

from services.cli.beside import process_pool

HOST = "127.0.0.1"
REQUESTS_MAX = 1_000_000
SECONDS_MAX = 600.0
WAITING_MAX = 5_000  # requests due and not answered; more are counted as failed at once
BODY_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """`per_second` None: each connection sends its next request when the last was answered."""

    port: int
    requests: Sequence[bytes]
    connections: int
    per_second: float | None = None


@dataclass(slots=True, kw_only=True)
class Outcome:
    """Seconds of each answer, and how late each request left; statuses by number."""

    seconds: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    failed: int = 0
    wall: float = 0.0


def authorization(write_key: str) -> str:
    """The header with which a sender is let in."""
    return f"Authorization: Basic {base64.b64encode(f'{write_key}:'.encode()).decode()}"


def request(method: str, path: str, *, headers: Sequence[str] = (), body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", *headers]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + _HEAD_END + body


class Sender:
    """The process that sends; kept for several loads."""

    def __init__(self, process: ProcessPoolExecutor) -> None:
        self._process = process

    def send(self, load: Load) -> Outcome:
        """Raises ValueError for more requests than the bound."""
        if len(load.requests) > REQUESTS_MAX:
            raise ValueError(f"at most {REQUESTS_MAX} requests in one load")
        return self._process.submit(send, load).result(SECONDS_MAX + 30)


@contextmanager
def sender() -> Iterator[Sender]:
    with process_pool(1) as process:
        yield Sender(process)


def send(load: Load) -> Outcome:
    """Runs in the sending process; gives up after the bound, keeping what it has."""
    gc.disable()  # a collection here would count as the server's
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(send_all(load))
    finally:
        gc.enable()


class _Connection(asyncio.Protocol):
    """One keep-alive connection, one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # of a stream: a Transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError())

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(_HEAD_END)
        if head < 0 or self._answer is None or self._answer.done():
            return
        length = BODY_LENGTH.search(self._received, 0, head)
        if len(self._received) >= head + len(_HEAD_END) + (int(length[1]) if length else 0):
            self._answer.set_result(int(self._received[9:12]))
            self._received.clear()

    async def open(self) -> None:
        self._received.clear()
        self._answer = None
        await asyncio.get_running_loop().create_connection(lambda: self, HOST, self._port)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def ask(self, request_: bytes) -> int:
        """The status of the answer, once all of it is there."""
        if self._transport is None:
            await self.open()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request_)  # type: ignore[union-attr]  # set when it was made
        return await self._answer


async def send_all(load: Load) -> Outcome:
    outcome = Outcome()
    connections = [_Connection(load.port) for _ in range(load.connections)]
    free: asyncio.LifoQueue[_Connection] = asyncio.LifoQueue()
    for each in connections:
        await each.open()
        free.put_nowait(each)
    begun = time.perf_counter()
    work = _as_answered(load, free, outcome) if load.per_second is None else _at_rate(
        load, load.per_second, free, outcome
    )  # fmt: skip
    try:
        await asyncio.wait_for(work, SECONDS_MAX)
    except TimeoutError:
        outcome.failed += len(load.requests) - outcome.statuses.total() - outcome.failed
    outcome.wall = time.perf_counter() - begun
    for each in connections:
        each.close()
    return outcome


async def _as_answered(load: Load, free: asyncio.LifoQueue[_Connection], outcome: Outcome) -> None:
    waiting = iter(load.requests)

    async def one() -> None:
        connection = free.get_nowait()
        for each in waiting:
            await _ask(connection, each, time.perf_counter(), outcome)

    await asyncio.gather(*(one() for _ in range(load.connections)))


async def _at_rate(
    load: Load, per_second: float, free: asyncio.LifoQueue[_Connection], outcome: Outcome
) -> None:
    async def one(each: bytes, due: float) -> None:
        connection = await free.get()
        outcome.late.append(time.perf_counter() - due)
        await _ask(connection, each, due, outcome)
        free.put_nowait(connection)

    tasks: set[asyncio.Task[None]] = set()
    begun = time.perf_counter()
    for number, each in enumerate(load.requests):
        due = begun + number / per_second
        wait = due - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        if len(tasks) >= WAITING_MAX:
            outcome.failed += 1
            continue
        task = asyncio.create_task(one(each, due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)


async def _ask(connection: _Connection, each: bytes, since: float, outcome: Outcome) -> None:
    try:
        status = await connection.ask(each)
    except OSError:
        outcome.failed += 1
        return
    outcome.seconds.append(time.perf_counter() - since)
    outcome.statuses[status] += 1
