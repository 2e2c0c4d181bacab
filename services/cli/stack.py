"""The stack: ingest, resolver and profile API in one process, or any one of them alone."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import uvloop

from services.cli.apps import (
    api_app,
    ingest_app,
    new_pulse,
    open_home,
    resolver_app,
    work,
)
from services.cli.home import Home
from services.cli.places import Place
from services.cli.ports import SERVICES, Ports
from services.cli.running import Note, Running, noted
from services.cli.serving import Door, listen, serving
from services.identity.adapters.prometheus import Metrics
from services.identity.domain.errors import RetryableError

if TYPE_CHECKING:
    from services.resolver.pulse import Pulse

HOST = "127.0.0.1"
GIL_SWITCH_SECONDS = 0.001  # the resolver's thread gives way to requests after a millisecond
STOP_SECONDS_MAX = 9.5  # then the process ends as it is: whoever sent SIGTERM waits ten
BATCH_SECONDS_MAX = 4.0  # what the resolver has in hand gets to be finished; else it is left
LOOK_SECONDS = 0.02  # between two looks at what another thread does


def run_stack(
    place: Place,
    *,
    make: Callable[[], Home],
    ports: Ports,
    services: tuple[str, ...] = SERVICES,
    ready: Callable[[Running], None],
    log: logging.Logger,
) -> None:
    """Serve until SIGTERM or SIGINT, at most ten seconds longer.

    The batch in hand is finished where that takes not too long. The process is to end then.

    `make` opens the home, and is called again while its database cannot be reached. Raises
    UsageError when a whole stack is wanted and another runs for this home already.
    """
    running = Running(pid=os.getpid(), services=services, log="")
    place.folder.mkdir(parents=True, exist_ok=True)
    with noted(place.folder, running, is_stack=services == SERVICES) as note:
        sys.setswitchinterval(GIL_SWITCH_SECONDS)
        stack = _Stack(place, running, note, log)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(stack.serve(make, ports, ready))
        stack.has_ended()
    log.info("stopped", extra={"services": list(services)})


class _Stack:
    """One process that serves."""

    def __init__(self, place: Place, running: Running, note: Note, log: logging.Logger) -> None:
        self._host = HOST if place.config is None else place.config.host
        self._running = running
        self._note = note
        self._log = log
        self._metrics = Metrics()
        self._halt = threading.Event()
        self._pulse: Pulse | None = None
        self._last: threading.Timer | None = None

    async def serve(
        self, make: Callable[[], Home], ports: Ports, ready: Callable[[Running], None]
    ) -> None:
        stop = asyncio.Event()
        self._stop_on_signals(stop)
        async with contextlib.AsyncExitStack() as parts, contextlib.AsyncExitStack() as served:
            doors = {each: self._door(parts, ports.of(each)) for each in self._running.services}
            for door in doors.values():
                await served.enter_async_context(serving(door))  # left before the parts behind it
            self._say(urls={name: door.url for name, door in doors.items()})
            self._log.info("listening", extra={"urls": dict(self._running.urls)})
            needs_log = bool({"ingest", "resolver"} & doors.keys())
            home = await asyncio.to_thread(
                open_home, make, self._halt, self._log, needs_log=needs_log
            )
            if home is None:
                return
            name = await self._open(parts, served, home, doors, stop)
            await self._first_turn(stop)
            self._say(log=name, is_ready=True)
            self._log.info("ready", extra={"services": list(doors), "log": name})
            ready(self._running)
            await stop.wait()

    def _say(self, **changes: object) -> None:
        self._running = replace(self._running, **changes)  # type: ignore[arg-type]  # fields of Running
        self._note.write(self._running)

    def _door(self, parts: contextlib.AsyncExitStack, port: int) -> Door:
        return Door(parts.enter_context(listen(self._host, port)), self._metrics)

    async def _open(
        self,
        parts: contextlib.AsyncExitStack,
        served: contextlib.AsyncExitStack,
        home: Home,
        doors: dict[str, Door],
        stop: asyncio.Event,
    ) -> str:
        """Put the applications behind their doors; gives the log's name.

        Ingest ends before its door: what waits for the log is answered, what comes is told to ask
        again. The others end behind closed doors.
        """
        if "resolver" in doors:
            self._pulse = pulse = new_pulse()

            def job() -> None:
                work(home, self._halt, pulse, self._metrics, is_alone=len(doors) == 1)

            await parts.enter_async_context(self._thread(job, stop))
            app = resolver_app(pulse, self._metrics)
            await parts.enter_async_context(doors["resolver"].opened(app))
        if "ingest" in doors:
            app = parts.enter_context(ingest_app(home, self._metrics))
            await served.enter_async_context(doors["ingest"].opened(app))
        if "api" in doors:
            app = api_app(home, self._metrics)
            await parts.enter_async_context(doors["api"].opened(app))
        return home.log_name()

    async def _first_turn(self, stop: asyncio.Event) -> None:
        """A resolver by itself is ready once it works; a stack's doors answer before."""
        pulse = self._pulse
        while len(self._running.services) == 1 and pulse is not None and not stop.is_set():
            try:
                pulse.check()
            except RetryableError:
                await asyncio.sleep(LOOK_SECONDS)
            else:
                return

    def _stop_on_signals(self, stop: asyncio.Event) -> None:
        def asked() -> None:
            if stop.is_set():
                return
            self._log.info("stopping", extra={"services": list(self._running.services)})
            self._halt.set()  # the batch in hand is the last one
            stop.set()
            self._last = threading.Timer(STOP_SECONDS_MAX, self._end)
            self._last.daemon = True
            self._last.start()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, asked)

    def has_ended(self) -> None:
        """In time: a thread that still waited would keep whole modules alive until the end."""
        if self._last is not None:
            self._last.cancel()
            self._last.join()

    def _end(self) -> None:
        """What was not committed or acknowledged by now is done again by the next process."""
        self._log.error("stopped by force", extra={"seconds": STOP_SECONDS_MAX})
        os._exit(1)

    @contextlib.asynccontextmanager
    async def _thread(self, job: Callable[[], None], stop: asyncio.Event) -> AsyncIterator[None]:
        """The resolver in a thread of its own: it is synchronous, and so are its drivers."""
        loop = asyncio.get_running_loop()
        failures: list[BaseException] = []

        def run() -> None:
            try:
                job()
            except BaseException as error:  # noqa: BLE001  # a bug must end the process, not a thread
                failures.append(error)
                loop.call_soon_threadsafe(stop.set)

        thread = threading.Thread(target=run, name="resolver", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._halt.set()
            await self._ended(thread)
            if failures:
                raise failures[0]

    async def _ended(self, thread: threading.Thread) -> None:
        """What a batch has not committed is done again by whoever takes it up next."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + BATCH_SECONDS_MAX
        while thread.is_alive():
            if loop.time() > give_up_at:
                self._log.warning("left in its batch", extra={"seconds": BATCH_SECONDS_MAX})
                return
            await asyncio.sleep(LOOK_SECONDS)
