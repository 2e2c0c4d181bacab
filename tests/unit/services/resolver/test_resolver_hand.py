"""A second hand: half of large batches, told when it is done, and no failure of it is lost."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import pytest

from services.identity.domain.errors import RetryableError
from services.identity.store import ResolverStore, RestartBatch, Transaction
from services.identity.store_marks import Half
from services.resolver.backoff import Backoff
from services.resolver.consume import Bounds, Worker
from services.resolver.hand import LOOKS_MAX, Hand, Second
from services.resolver.observe import Silent
from services.resolver.perform import Told
from services.resolver.resolution import Resolution
from tests.factories import channel_event, outgoing, still_clock
from tests.resolver_home import Home, shared_standing

PEOPLE = 12


class Broken(Exception):  # noqa: N818  # a bug, not the world
    pass


class Elsewhere:
    """A store as its second connection: its transactions may fail."""

    def __init__(self, home: Home) -> None:
        self._store = home.store
        self.taken = 0
        self.failures: list[Exception] = []

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        if self.failures:
            raise self.failures.pop(0)
        with self._store.transaction() as tx:
            self.taken += 1
            yield tx


class Slow(Hand):
    """Its batch ends when it is let."""

    def __init__(self) -> None:
        self.may_end = threading.Event()

    def resolve_once(self, **_: object) -> Resolution:
        self.may_end.wait(10.0)
        return DONE


DONE = Resolution(marks=1, records=1, pairs=0, edges=0, told=Told())


def test_two_hands_come_to_what_one_comes_to() -> None:
    home, elsewhere, worker = two_handed()
    said(home)
    worker.run_until_caught_up()
    assert elsewhere.taken > 0
    alone = Home()
    said(alone)
    alone.worker.run_until_caught_up()
    assert home.hash() == alone.hash()
    assert len(home.documents()) == PEOPLE


def test_few_marks_are_for_one_hand() -> None:
    home, elsewhere, worker = two_handed(halves_from=1_000)
    said(home)
    worker.run_until_caught_up()
    assert elsewhere.taken == 0
    assert len(home.documents()) == PEOPLE


@pytest.mark.parametrize("failure", [RetryableError("it went away"), Broken("a bug")])
def test_what_fails_the_second_hand_fails_a_turn(failure: Exception) -> None:
    home, elsewhere, worker = two_handed()
    said(home)
    elsewhere.failures = [failure]
    with pytest.raises(type(failure)):
        worker.run_until_caught_up()
    worker.run_until_caught_up()
    assert len(home.documents()) == PEOPLE


def test_the_batch_of_a_second_hand_is_waited_for_at_last() -> None:
    slow = Slow()
    second = Second(slow)
    second.begin(pause=never, half=Half.ODD)
    for _ in range(LOOKS_MAX - 1):
        assert second.finish(wait=False) is None
    threading.Timer(0.05, slow.may_end.set).start()
    assert second.finish(wait=False) is DONE
    assert second.finish(wait=True) is None
    second.close()


@pytest.mark.parametrize("failure", [RetryableError("gone"), RestartBatch("another was faster")])
def test_the_world_fails_both_hands_once(failure: Exception) -> None:
    home = Home()
    elsewhere = Elsewhere(home)
    elsewhere.failures = [failure] * 100
    second = Second(hand_on(elsewhere))
    second.begin(pause=lambda _: True, half=Half.ODD)
    second.settle()
    assert second.finish(wait=True) is None
    second.close()


def two_handed(*, halves_from: int = 2) -> tuple[Home, Elsewhere, Worker]:
    """Batches of few marks, so that a stream of a dozen is many batches."""
    home = Home()
    home.worker.close()
    elsewhere = Elsewhere(home)
    worker = Worker(
        store=home.store,
        second=cast("ResolverStore", elsewhere),
        log=home.log,
        clock=still_clock(),
        bounds=Bounds(messages_max=4, marks_max=4, poll_ms=0, halves_from=halves_from),
        standing=shared_standing(),
    )
    return home, elsewhere, worker


def said(home: Home) -> None:
    home.log.producer().append(
        [
            outgoing(channel_event(user_id=f"u-{number}", message_id=f"m-{number}"))
            for number in range(PEOPLE)
        ]
    )


def hand_on(elsewhere: Elsewhere) -> Hand:
    return Hand(
        cast("ResolverStore", elsewhere),
        clock=still_clock(),
        standing=shared_standing(),
        observer=Silent(),
        marks_max=4,
        backoff=Backoff(),
    )


def never(_: float) -> bool:
    return False
