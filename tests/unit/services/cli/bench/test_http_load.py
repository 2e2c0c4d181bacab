import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from services.cli.bench import http_load
from services.cli.bench.http_load import HOST, Load, request

Answer = Callable[[int], Awaitable[bytes]]


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[int]:
    """Answers the n-th request with these bytes, in two parts."""
    count = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        try:
            while await reader.readline():
                while (await reader.readline()).strip():
                    pass
                count += 1
                said = await answer(count)
                writer.write(said[:20])
                await asyncio.sleep(0.001)
                writer.write(said[20:])
        finally:
            writer.close()

    listening = await asyncio.start_server(talk, HOST, 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


def ok(status: int = 200) -> bytes:
    return f"HTTP/1.1 {status} Word\r\nContent-Length: 5\r\n\r\nhello".encode()


async def test_every_request_is_answered_once_and_counted_by_status() -> None:
    async def answer(number: int) -> bytes:
        return ok(404 if number % 10 == 0 else 200)

    async with server(answer) as port:
        requests = [request("GET", "/")] * 40
        outcome = await http_load.send_all(Load(port=port, requests=requests, connections=4))
    assert outcome.statuses == {200: 36, 404: 4}
    assert len(outcome.seconds) == 40
    assert outcome.failed == 0


async def test_a_stall_counts_for_every_request_that_was_due_in_it() -> None:
    async def answer(number: int) -> bytes:
        if number == 1:
            await asyncio.sleep(0.2)
        return ok()

    async with server(answer) as port:
        load = Load(port=port, requests=[request("GET", "/")] * 10, connections=1, per_second=100)
        outcome = await http_load.send_all(load)
    assert sum(each > 0.09 for each in outcome.seconds) == 10


async def test_a_connection_that_breaks_is_a_failure_and_is_opened_again() -> None:
    async def answer(number: int) -> bytes:
        if number == 2:
            raise ConnectionError
        return ok()

    async with server(answer) as port:
        load = Load(port=port, requests=[request("GET", "/")] * 3, connections=1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(asyncio.get_running_loop(), "call_exception_handler", lambda _: None)
            outcome = await asyncio.wait_for(http_load.send_all(load), 5)
    assert (outcome.failed, outcome.statuses[200]) == (1, 2)
