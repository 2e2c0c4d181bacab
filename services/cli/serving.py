"""HTTP doors of a process: their ports, and uvicorn behind them."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn

from services.identity.domain.errors import UsageError

BACKLOG = 2_048
STOP_SECONDS_MAX = 8  # for requests in hand; the resolver's batch in hand is waited for beside it


def listen(host: str, port: int) -> socket.socket:
    """A listening socket: on the port where it is free, on any other where it is taken."""
    for candidate in (port, 0):
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, candidate))
            listening.listen(BACKLOG)
        except OSError as error:
            listening.close()
            if candidate == 0:
                raise UsageError(f"cannot listen on {host}: {error.strerror}") from None
        else:
            return listening
    raise AssertionError  # the loop ends with a socket or an error


def url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """Signals are handled once, for all servers of the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(app: Any, listening: socket.socket) -> AsyncIterator[None]:  # noqa: ANN401  # ASGI
    """Serve until the block ends; requests in hand are answered first."""
    server = _Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,  # paths hold identifiers
            http="httptools",
            timeout_graceful_shutdown=STOP_SECONDS_MAX,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        if task.done():
            task.result()
            raise UsageError("the HTTP server ended at its start")
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task
