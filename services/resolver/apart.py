"""The landing side in a process of its own, behind a pipe: two cores run two halves of a worker.

Requests are answered in their order, one reply to each. What the process tells its observer travels
with the reply and is told again on this side of the pipe. The process ends with the pipe. The last
batches that it commits after its worker was killed are no other than those of a second worker.
"""

from collections import deque
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
from services.resolver.side import ROUNDS_AHEAD_MAX, InTurn, Round

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

    rounds_max = ROUNDS_AHEAD_MAX

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
        self._replies: deque[Reply | None] = deque()  # of rounds; None where the process died
        self._asked = 0  # rounds to which no reply has come
        self._start()

    @property
    def landed_at(self) -> Micros | None:
        return self._landed_at

    @property
    def rounds(self) -> int:
        return self._asked + len(self._replies)

    def begin(self, *, wait: bool) -> None:
        self._send(ROUND, {"wait": wait})
        self._asked += 1

    def settle(self) -> None:
        """Take the replies in that are to come; who died is noticed by `finish`."""
        while self._asked:
            self._take_in()

    def finish(self) -> Sequence[Round]:
        if not self._replies:
            self._take_in()
        found: list[Round] = [self._value_of(self._replies.popleft())]
        while self._asked and self._line is not None and self._line.poll():
            self._take_in()
        while self._replies and (reply := self._replies[0]) and reply.error is None:
            found.append(self._value_of(self._replies.popleft()))
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
        """Another request, when the rounds are done."""
        self.settle()
        self._send(name, arguments)
        return self._value_of(self._receive())

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

    def _send(self, name: str, arguments: Mapping[str, object]) -> None:
        if self._line is None:
            self._start()
        assert self._line is not None  # noqa: S101  # just started
        with suppress(OSError):  # it died: no reply will come
            self._line.send((name, arguments))

    def _take_in(self) -> None:
        self._asked -= 1
        self._replies.append(self._receive())

    def _receive(self) -> Reply | None:
        if self._line is None:
            return None
        try:
            reply: Reply = self._line.recv()
        except (EOFError, OSError):
            return None
        return reply

    def _value_of(self, reply: Reply | None) -> Any:  # noqa: ANN401  # whatever was asked for
        """Tell on this side what was told on the other; raise what was raised there."""
        if reply is None:
            self._asked = 0
            self._replies.clear()  # what was asked of it later has no answer either
            self.close()
            raise RetryableError("the landing process ended; another one is started")
        self._landed_at = reply.landed_at
        for name, arguments in reply.notes:
            getattr(self._observer, name)(*arguments)
        if reply.error is not None:
            raise reply.error
        return reply.value
