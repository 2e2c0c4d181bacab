"""The landing side in a process of its own, behind a pipe: two cores run two halves of a worker.

A second hand is in that process, too, behind a pipe of its own (afar.py). The process ends with its
pipes. The last batches that it commits after its worker was killed are no other than those of a
second worker.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from services.identity.domain.errors import RetryableError
from services.identity.domain.ids import Micros
from services.identity.ports import Partition
from services.resolver.afar import HandAfar
from services.resolver.land import Landing
from services.resolver.observe import Observer
from services.resolver.pipe import Reply, told
from services.resolver.side import END_OFFSETS, IS_AT_END, LAND, ROUND, ROUNDS_AHEAD_MAX, Round

STOP_SECONDS_MAX = 8.0  # for the round in hand, when the worker is told to stop
Launch = Callable[[Connection, Connection], BaseProcess]
"""Starts the process that serves the other ends of two pipes, to the landing side and to the hand.

It is called again when one has died.
"""


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
        self.hand = HandAfar(observer)
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
        lines, self._line, self.hand.line = (self._line, self.hand.line), None, None
        for line in lines:
            if line is not None:
                line.close()
        if self._process is not None:
            self._process.join(STOP_SECONDS_MAX)
            if self._process.is_alive():
                self._process.terminate()
        self._process = None

    def _start(self) -> None:
        ours, theirs = zip(self._pipe(), self._pipe(), strict=True)
        self._process = self._launch(*theirs)
        for line in theirs:
            line.close()  # so that it ends with its process
        self._line, self.hand.line = ours

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
        if reply is None:
            self._asked = 0
            self._replies.clear()  # what was asked of it later has no answer either
            self.close()
            raise RetryableError("the landing process ended; another one is started")
        self._landed_at = reply.landed_at
        return told(reply, self._observer)
