"""The pipe to a landing side elsewhere: what is told, what is raised, and who dies."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, cast

import pytest

from services.identity.domain.errors import RetryableError
from services.identity.domain.ids import Micros
from services.identity.ports import Partition
from services.identity.store import RestartBatch
from services.identity.store_marks import Half
from services.resolver.afar import ServedHand
from services.resolver.apart import Apart
from services.resolver.hand import Hand, Pause
from services.resolver.land import Landing
from services.resolver.observe import Entries, Silent, Stage
from services.resolver.parts import Part
from services.resolver.perform import Told
from services.resolver.pipe import Notes, Served, serve
from services.resolver.resolution import Resolution
from services.resolver.side import InTurn, Round

RESOLUTION = Resolution(marks=3, records=3, pairs=1, edges=1, told=Told())
LANDING = Landing(messages=3, accepted=2, copies=1, refused=0, records=2)


class _Side:
    """Lands three messages in its first round, fails in the second, dies in the third."""

    requests = InTurn.requests
    landed_at = Micros(7)

    def __init__(self, notes: Notes, line: Connection) -> None:
        self._notes = notes
        self._line = line
        self._rounds = count(1)

    def round(self, *, wait: bool) -> Round:
        number = next(self._rounds)
        if number == 2:
            raise RetryableError("the database is away")
        if number == 3:
            self._line.close()
        with self._notes.stage(Stage.LAND):
            self._notes.landed(LANDING)
        return Round(LANDING if wait else None, number)

    def end_offsets(self) -> Mapping[Partition, int]:
        return {Partition("channel-events", 0): 3}


class _Hand:
    """Resolves the even half; the other one fails."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def resolve_once(self, *, pause: Pause, waiting: bool, half: Half) -> Resolution:
        assert pause(1.0), "its worker waits, and asks again"
        assert not waiting
        if half is Half.ODD:
            raise RestartBatch("another worker was faster")
        with self._notes.stage(Stage.RESOLVE):
            for part in (Part.CANDIDATES, Part.WRITE):
                self._notes.entered(part)
        self._notes.resolved(RESOLUTION)
        return RESOLUTION


class _Thread:
    """In the place of a process."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=work)
        self._thread.start()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def is_alive(self) -> bool:
        return self._thread.is_alive()


class _Heard(Silent):
    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        self.calls.append(("stage", stage))
        yield

    def took(self, stage: Stage, seconds: float, parts: Entries = ()) -> None:
        self.calls.append(("took", stage, seconds, *parts))

    def resolved(self, resolution: Resolution) -> None:
        self.calls.append(("resolved", resolution))

    def landed(self, landing: Landing) -> None:
        self.calls.append(("landed", landing))


@pytest.fixture
def heard() -> _Heard:
    return _Heard()


@pytest.fixture
def apart(heard: _Heard) -> Iterator[Apart]:
    ticks = count()

    def launch(*theirs: Connection) -> BaseProcess:
        landing, hand = (Connection(os.dup(each.fileno())) for each in theirs)
        notes = [Notes(timer=lambda: float(next(ticks))) for _ in theirs]
        side = cast("Served", _Side(notes[0], landing))
        second = ServedHand(cast("Hand", _Hand(notes[1])))
        threading.Thread(target=serve, args=(hand, second, notes[1])).start()
        return cast("BaseProcess", _Thread(lambda: serve(landing, side, notes[0])))

    side = Apart(launch, pipe=multiprocessing.Pipe, observer=heard)
    yield side
    side.close()


def test_a_round_is_told_here_as_it_went_there(apart: Apart, heard: _Heard) -> None:
    apart.begin(wait=True)
    apart.settle()
    assert heard.calls == []  # told by whoever takes the result, in its own thread
    assert apart.finish() == [Round(LANDING, 1)]
    assert heard.calls == [("landed", LANDING), ("took", Stage.LAND, 1.0)]
    assert apart.landed_at == Micros(7)
    assert apart.end_offsets() == {Partition("channel-events", 0): 3}


def test_rounds_are_begun_ahead_and_finished_in_their_order(apart: Apart, heard: _Heard) -> None:
    for wait in (True, False):
        apart.begin(wait=wait)
    assert apart.rounds == apart.rounds_max
    apart.end_offsets()  # another request waits for both, and takes neither
    assert (apart.rounds, heard.calls) == (2, [])
    assert apart.finish() == [Round(LANDING, 1)]
    assert heard.calls == [("landed", LANDING), ("took", Stage.LAND, 1.0)]
    with pytest.raises(RetryableError, match="the database is away"):
        apart.finish()
    assert apart.rounds == 0


def test_a_round_that_failed_takes_nothing_from_one_before(apart: Apart, heard: _Heard) -> None:
    for _ in range(2):
        apart.begin(wait=True)
    apart.settle()
    assert apart.finish() == [Round(LANDING, 1)]  # the second failed: nothing of the first is lost
    with pytest.raises(RetryableError, match="the database is away"):
        apart.finish()
    assert len(heard.calls) == 2


def test_what_fails_there_is_raised_here(apart: Apart) -> None:
    apart.begin(wait=False)
    assert apart.finish() == [Round(None, 1)]
    apart.begin(wait=False)
    with pytest.raises(RetryableError, match="the database is away"):
        apart.finish()


def test_another_is_started_when_one_has_died(apart: Apart) -> None:
    apart.begin(wait=False)
    apart.finish()
    apart.begin(wait=False)
    with pytest.raises(RetryableError):
        apart.finish()
    apart.begin(wait=False)
    apart.settle()
    apart.begin(wait=False)
    with pytest.raises(RetryableError, match="another one is started"):
        apart.finish()
    assert apart.rounds == 0
    apart.begin(wait=True)
    assert apart.finish() == [Round(LANDING, 1)]


def test_nothing_but_its_requests_is_called(apart: Apart) -> None:
    assert apart.ask("__class__") is None


def test_a_hand_afar_tells_here_what_it_came_to(apart: Apart, heard: _Heard) -> None:
    assert apart.hand.resolve_once(pause=_never, half=Half.EVEN) == RESOLUTION
    parts = ((Part.CANDIDATES, 1.0), (Part.WRITE, 2.0))
    assert heard.calls == [("took", Stage.RESOLVE, 3.0, *parts), ("resolved", RESOLUTION)]
    with pytest.raises(RestartBatch, match="another worker was faster"):
        apart.hand.resolve_once(pause=_never, half=Half.ODD)


def test_a_hand_whose_process_ended_is_there_again_with_the_next(apart: Apart) -> None:
    _die(apart)
    apart.close()
    with pytest.raises(RetryableError, match="not there"):
        apart.hand.resolve_once(pause=_never, half=Half.EVEN)
    apart.begin(wait=True)  # starts another process
    assert apart.hand.resolve_once(pause=_never, half=Half.EVEN) == RESOLUTION


def _die(apart: Apart) -> None:
    for _ in range(3):
        apart.begin(wait=True)
        with suppress(RetryableError):
            apart.finish()


def _never(_: float) -> bool:
    return False
