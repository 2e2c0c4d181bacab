"""The stack: ingest, resolver and profile API in one process, or any one of them alone."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn
import uvloop
from pydantic import SecretStr

from services.cli.home import Home, Running, stack_lock
from services.identity.domain.errors import UsageError

if TYPE_CHECKING:  # FastAPI is not installed where only the resolver runs
    from fastapi import FastAPI

    from services.identity.ports import Producer

HOST = "127.0.0.1"
API_PORT = 8400
INGEST_PORT = 8401
STOP_SECONDS_MAX = 8  # for requests in hand; the resolver's batch in hand is waited for beside it
GIL_SWITCH_SECONDS = 0.001  # the resolver's thread gives way to requests after a millisecond
SERVICES = ("ingest", "resolver", "api")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the HTTP doors listen, on loopback."""

    api: int = API_PORT
    ingest: int = INGEST_PORT


def free_ports(wanted: Ports) -> Ports:
    """The wanted ports where they are free, others where they are taken."""
    return Ports(api=_free(wanted.api), ingest=_free(wanted.ingest))


def _free(port: int) -> int:
    for candidate in (port, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((HOST, candidate))
                return int(probe.getsockname()[1])
    raise UsageError(f"port {port} is taken and no other is free")


def run_stack(
    home: Home,
    *,
    ports: Ports,
    services: Collection[str] = SERVICES,
    ready: Callable[[Running], None],
) -> None:
    """Serve until SIGTERM or SIGINT; the batch in hand is finished first.

    Raises UsageError when another stack runs for this home.
    """
    with stack_lock(home.path) as is_ours:
        if not is_ours:
            raise UsageError(f"a stack already runs for {home.path}; `plait down` stops it")
        home.note_stopped()
        sys.setswitchinterval(GIL_SWITCH_SECONDS)
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_serve(home, ports, services, ready))
        finally:
            home.note_stopped()


async def _serve(
    home: Home, ports: Ports, services: Collection[str], ready: Callable[[Running], None]
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    log = home.log()
    async with contextlib.AsyncExitStack() as parts:
        parts.callback(log.close)
        if "resolver" in services:
            await parts.enter_async_context(_resolver(home, stop))
        if "ingest" in services:
            producer = log.producer()
            parts.callback(producer.close)
            await parts.enter_async_context(_http(ingest_app(home, producer), ports.ingest))
        if "api" in services:
            await parts.enter_async_context(_http(api_app(home), ports.api))
        running = Running(
            pid=os.getpid(),
            api=f"http://{HOST}:{ports.api}",
            ingest=f"http://{HOST}:{ports.ingest}",
            log=log.name,
        )
        home.note_running(running)
        ready(running)
        await stop.wait()


def ingest_app(home: Home, producer: "Producer") -> "FastAPI":
    from services.identity.adapters.sql.sources import SqlSources
    from services.ingest.app import create_app
    from services.ingest.settings import IngestSettings

    return create_app(IngestSettings(), producer, SqlSources(home.url), home.clock)


def api_app(home: Home) -> "FastAPI":
    from services.identity.adapters.sql.appends import SqlDecisionLog
    from services.identity.adapters.sql.async_pool import AsyncPool
    from services.identity.adapters.sql.reads import SqlReads
    from services.profile_api.app import create_app
    from services.profile_api.settings import ProfileApiSettings

    pool = AsyncPool(home.url)
    return create_app(
        ProfileApiSettings(key_pepper=SecretStr(home.pepper())),
        SqlReads(pool),
        SqlDecisionLog(pool),
        home.clock,
        random=os.urandom,
    )


class _Server(uvicorn.Server):
    """Signals are handled once, for all servers of the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def _http(app: "FastAPI", port: int) -> AsyncIterator[None]:
    server = _Server(
        uvicorn.Config(
            app,
            host=HOST,
            port=port,
            log_level="warning",
            access_log=False,  # paths hold identifiers
            http="httptools",
            timeout_graceful_shutdown=STOP_SECONDS_MAX,
        )
    )
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            task.result()
            raise UsageError(f"port {port} is taken; choose another with --port")
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task


@contextlib.asynccontextmanager
async def _resolver(home: Home, stop: asyncio.Event) -> AsyncIterator[None]:
    """The resolver in a thread of its own: it is synchronous, and so are its drivers."""
    from services.identity.adapters.sql.store import SqlStore
    from services.resolver.consume import Worker

    halt = threading.Event()
    loop = asyncio.get_running_loop()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            log = home.log()
            store = SqlStore(home.url)
            worker = Worker(store=store, log=log, clock=home.clock)
            try:
                worker.run(halt)
            finally:
                worker.close()
                store.close()
                log.close()
        except BaseException as error:  # noqa: BLE001  # a bug must end the process, not a thread
            failures.append(error)
            loop.call_soon_threadsafe(stop.set)

    thread = threading.Thread(target=work, name="resolver")
    thread.start()
    try:
        yield
    finally:
        halt.set()
        await asyncio.to_thread(thread.join)
        if failures:
            raise failures[0]
