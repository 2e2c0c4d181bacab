"""The stack: ingest, resolver and profile API in one process, or any one of them alone."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import uvloop

from services.cli.apps import api_app, ingest_app
from services.cli.home import Home
from services.cli.running import Note, Running, noted
from services.cli.serving import listen, serving, url_of

HOST = "127.0.0.1"
API_PORT = 8400
INGEST_PORT = 8401
RESOLVER_PORT = 8402
GIL_SWITCH_SECONDS = 0.001  # the resolver's thread gives way to requests after a millisecond
SERVICES = ("ingest", "resolver", "api")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the HTTP doors listen, on loopback; others are taken where these are taken."""

    api: int = API_PORT
    ingest: int = INGEST_PORT
    resolver: int = RESOLVER_PORT


def run_stack(
    home: Home,
    *,
    ports: Ports,
    services: tuple[str, ...] = SERVICES,
    ready: Callable[[Running], None],
) -> None:
    """Serve until SIGTERM or SIGINT; the batch in hand is finished first.

    Raises UsageError when a whole stack is wanted and another runs for this home already.
    """
    running = Running(pid=os.getpid(), services=services, log="")
    with noted(home.path, running, is_stack=services == SERVICES) as note:
        sys.setswitchinterval(GIL_SWITCH_SECONDS)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(home, ports, running, note, ready))


async def _serve(
    home: Home, ports: Ports, running: Running, note: Note, ready: Callable[[Running], None]
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    log = home.log()
    urls: dict[str, str] = {}
    async with contextlib.AsyncExitStack() as parts:
        parts.callback(log.close)
        if "resolver" in running.services:
            await parts.enter_async_context(_resolver(home, stop))
        if "ingest" in running.services:
            producer = log.producer()
            parts.callback(producer.close)
            listening = parts.enter_context(listen(HOST, ports.ingest))
            urls["ingest"] = url_of(listening)
            await parts.enter_async_context(serving(ingest_app(home, producer), listening))
        if "api" in running.services:
            listening = parts.enter_context(listen(HOST, ports.api))
            urls["api"] = url_of(listening)
            await parts.enter_async_context(serving(api_app(home), listening))
        running = replace(running, log=log.name, urls=urls, is_ready=True)
        note.write(running)
        ready(running)
        await stop.wait()


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
