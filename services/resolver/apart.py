"""The landing side in a process of its own, behind a pipe: two cores run two halves of a worker.

One request at a time, one reply to each. What the process tells its observer travels with the
reply and is told again on this side of the pipe. The process ends with the pipe. A last batch that
it commits after its worker was killed is no other than one of a second worker.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

from services.identity.domain.errors import RetryableError
from services.identity.domain.ids import Micros
from services.identity.ports import Loss, Message, OutgoingMessage, Partition
from services.resolver.land import Landing
from services.resolver.observe import Observer, Silent, Stage
from services.resolver.side import InTurn, Round

STOP_SECONDS_MAX = 8.0  # for the round in hand, when the worker is told to stop
ROUND = "round"
LAND = "land_once"
IS_AT_END = "is_at_end"
END_OFFSETS = "end_offsets"
REQUESTS = frozenset({ROUND, LAND, IS_AT_END, END_OFFSETS})
Launch = Callable[[Connection], BaseProcess]
"""Starts the process that serves the other end of a pipe; it is called again when one has died."""
Note = tuple[str, tuple[Any, ...]]
"""A call of an observer: its name and what it was told."""


class Reply(NamedTuple):
    """What a request came to, or the error it raised, and what was told meanwhile."""

    value: Any
    error: Exception | None
    notes: Sequence[Note]
    landed_at: Micros | None


class Notes(Silent):
    """An observer that keeps what landing and relaying tell, to be told again elsewhere."""

    def __init__(self, *, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._kept: list[Note] = []

    def taken(self) -> Sequence[Note]:
        kept, self._kept = self._kept, []
        return kept

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        begun = self._timer()
        yield
        self._kept.append(("took", (stage, self._timer() - begun)))

    def polled(self, messages: Sequence[Message]) -> None:
        self._kept.append(("polled", (messages,)))

    def landed(self, landing: Landing) -> None:
        self._kept.append(("landed", (landing,)))

    def lost(self, losses: Sequence[Loss]) -> None:
        self._kept.append(("lost", (losses,)))

    def told(self, messages: Sequence[OutgoingMessage]) -> None:
        self._kept.append(("told", (messages,)))

    def restarted(self, stage: Stage) -> None:
        self._kept.append(("restarted", (stage,)))


def serve(
    line: Connection, side: InTurn, notes: Notes, *, requests: Collection[str] = REQUESTS
) -> None:
    """Answer until nobody asks any more. `requests` are the methods of the side it may ask for."""
    while True:
        try:
            name, arguments = line.recv()
        except (EOFError, OSError):
            return
        value, error = None, None
        try:
            value = getattr(side, name)(**arguments) if name in requests else None
        except Exception as raised:  # noqa: BLE001  # raised again on the other side
            error = raised
        try:
            line.send(Reply(value, error, notes.taken(), side.landed_at))
        except OSError:
            return


class Apart:
    """The side of the pipe that asks. `observer` is told what the process told its own."""

    def __init__(
        self,
        launch: Launch,
        *,
        pipe: Callable[[], tuple[Connection, Connection]],
        observer: Observer,
    ) -> None:
        self._launch = launch
        self._pipe = pipe
        self._observer = observer
        self._landed_at: Micros | None = None
        self._line: Connection | None = None
        self._process: BaseProcess | None = None
        self._reply: Reply | None = None
        self._is_asked = False
        self._start()

    @property
    def landed_at(self) -> Micros | None:
        return self._landed_at

    def begin(self, *, wait: bool) -> None:
        self._ask(ROUND, {"wait": wait})

    def settle(self) -> None:
        """Take the reply in, if one is to come; who died is noticed by `finish`."""
        if self._is_asked:
            self._is_asked = False
            assert self._line is not None  # noqa: S101  # somebody was asked
            with suppress(EOFError, OSError):
                self._reply = self._line.recv()

    def finish(self) -> Round:
        found: Round = self._answer()
        return found

    def land_once(self, *, wait: bool) -> Landing | None:
        found: Landing | None = self.ask(LAND, wait=wait)
        return found

    def is_at_end(self) -> bool:
        return bool(self.ask(IS_AT_END))

    def end_offsets(self) -> Mapping[Partition, int]:
        found: Mapping[Partition, int] = self.ask(END_OFFSETS)
        return found

    def ask(self, name: str, **arguments: object) -> Any:  # noqa: ANN401  # whatever was asked for
        """Another request, between two rounds."""
        self._ask(name, arguments)
        return self._answer()

    def close(self) -> None:
        """The process finishes what it has in hand, and ends."""
        if self._line is not None:
            self._line.close()
        if self._process is not None:
            self._process.join(STOP_SECONDS_MAX)
            if self._process.is_alive():
                self._process.terminate()
        self._line = self._process = None

    def _start(self) -> None:
        ours, theirs = self._pipe()
        self._process = self._launch(theirs)
        theirs.close()  # so that the line ends with its process
        self._line = ours

    def _ask(self, name: str, arguments: Mapping[str, object]) -> None:
        if self._line is None:
            self._start()
        assert self._line is not None  # noqa: S101  # just started
        self._take_in()  # of a round whose result nobody took
        try:
            self._line.send((name, arguments))
        except OSError:
            self._is_asked = False
        else:
            self._is_asked = True

    def _answer(self) -> Any:  # noqa: ANN401  # whatever was asked for
        self.settle()
        reply = self._take_in()
        if reply is None:
            self.close()
            raise RetryableError("the landing process ended; another one is started")
        if reply.error is not None:
            raise reply.error
        return reply.value

    def _take_in(self) -> Reply | None:
        """Tell on this side what was told on the other."""
        reply, self._reply = self._reply, None
        if reply is not None:
            self._landed_at = reply.landed_at
            for name, arguments in reply.notes:
                getattr(self._observer, name)(*arguments)
        return reply
