"""A second hand: half of large batches, told when it is done, and no failure of it is lost."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import pytest

from services.identity.domain.errors import RetryableError
from services.identity.store import ResolverStore, RestartBatch, Transaction
from services.identity.store_marks import Half
from services.resolver.backoff import Backoff
from services.resolver.consume import Bounds, Worker
from services.resolver.hand import LEAVING_MAX, LOOKS_MAX, Hand, Second
from services.resolver.observe import Silent
from services.resolver.perform import Told
from services.resolver.resolution import Resolution
from services.resolver.standing import Standing
from tests.factories import channel_event, outgoing, still_clock
from tests.resolver_home import Home, shared_standing

PEOPLE = 12


class Broken(Exception):  # noqa: N818  # a bug, not the world
    pass


class Beside:
    """A transaction beside another, which has one component in hand: the smallest that is asked."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever a transaction has
        return getattr(self._tx, name)

    def lock_components(self, components: Sequence[int], *, wait: bool = True) -> frozenset[int]:
        found = self._tx.lock_components(components, wait=wait)
        return found if wait else found - {min(components)}


class Elsewhere:
    """A store as its second connection: its transactions may fail, or meet others."""

    def __init__(self, home: Home) -> None:
        self._store = home.store
        self.taken = 0
        self.failures: list[Exception] = []
        self.meets_others = False

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        if self.failures:
            raise self.failures.pop(0)
        with self._store.transaction() as tx:
            self.taken += 1
            yield cast("Transaction", Beside(tx)) if self.meets_others else tx


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


def test_who_meets_what_another_has_in_hand_leaves_it_and_waits_at_last() -> None:
    home = Home()
    said(home)
    home.worker.land_until_end()
    elsewhere = Elsewhere(home)
    elsewhere.meets_others = True
    hand = hand_on(elsewhere)
    done = [hand.resolve_once(pause=never) for _ in range(LEAVING_MAX + 1)]
    assert [each and (each.marks, each.left) for each in done] == [(3, 1), (3, 1), (3, 1), (3, 0)]
    assert home.store.pending_work() == 0
    assert len(home.documents()) == PEOPLE


def two_handed(*, halves_from: int = 2) -> tuple[Home, Elsewhere, Worker]:
    """Batches of few marks, so that a stream of a dozen is many batches."""
    home = Home()
    home.worker.close()
    elsewhere = Elsewhere(home)
    worker = Worker(
        store=home.store,
        second=hand_on(elsewhere, shared_standing().another()),
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


def hand_on(elsewhere: Elsewhere, standing: Standing | None = None) -> Hand:
    return Hand(
        cast("ResolverStore", elsewhere),
        clock=still_clock(),
        standing=standing or shared_standing(),
        observer=Silent(),
        marks_max=4,
        backoff=Backoff(),
    )


def never(_: float) -> bool:
    return False
