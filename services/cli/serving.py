"""HTTP doors of a process: their ports, what they answer before they are open, uvicorn behind."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import uvicorn

from services.identity.adapters.prometheus import (
    App,
    Exposition,
    Metrics,
    Receive,
    Scope,
    Send,
    respond,
)
from services.identity.domain.errors import UsageError
from services.identity.wire.problem import (
    ALIVE,
    JSON,
    MEDIA_TYPE,
    RETRY_AFTER_SECONDS,
    UNAVAILABLE,
    problem,
    retry_after,
)

if TYPE_CHECKING:  # FastAPI is not installed where only commands run
    from fastapi import FastAPI

BACKLOG = 2_048
STOP_SECONDS_MAX = 5  # for requests in hand
_WAITING = "the database or the log cannot be reached yet; ask again"
_NOT_YET = problem(
    UNAVAILABLE,
    status=503,
    title="The service is starting",
    detail=_WAITING,
    members={"message": _WAITING},  # which the tracking SDKs report
)


@dataclass(slots=True)
class Door:
    """What listens from the first moment on, and the application behind it once there is one.

    Until then the process is alive and not ready: whoever asks for more is told to ask again.
    """

    listening: socket.socket
    metrics: Metrics
    app: App | None = field(default=None, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app
        if app is None:
            await self._not_yet(scope, receive, send)
        else:
            await app(scope, receive, send)

    @property
    def url(self) -> str:
        host, port = self.listening.getsockname()[:2]
        return f"http://{host}:{port}"

    @contextlib.asynccontextmanager
    async def opened(self, app: "FastAPI") -> AsyncIterator[None]:
        """The application answers meanwhile; it is started before and shut down after."""
        async with app.router.lifespan_context(app):
            self.app = app
            yield

    async def _not_yet(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/healthz":
            await respond(send, ALIVE, media_type=JSON)
        elif scope["path"] == "/metrics":
            await Exposition(self.metrics)(scope, receive, send)
        else:
            headers = retry_after(RETRY_AFTER_SECONDS)
            await respond(send, _NOT_YET, status=503, media_type=MEDIA_TYPE, headers=headers)


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


class _Server(uvicorn.Server):
    """Signals are handled once, for all servers of the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(door: Door) -> AsyncIterator[None]:
    """Serve until the block ends; requests in hand are answered first."""
    config = uvicorn.Config(
        door,
        log_config=None,  # our own, once a process
        log_level="warning",
        access_log=False,  # paths hold identifiers
        http="httptools",
        lifespan="off",  # the door starts what is behind it
        timeout_graceful_shutdown=STOP_SECONDS_MAX,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[door.listening]))
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
