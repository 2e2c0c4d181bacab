"""The loop: what was polled and not landed is read again, whatever else fails meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from services.identity.domain.errors import RetryableError
from services.identity.ports import OutgoingMessage, Partition, Position
from services.identity.store import MESSAGES_LOST, RestartBatch, Transaction
from services.identity.wire.events import TOPIC
from services.resolver.consume import Bounds, Worker, is_caught_up
from services.resolver.hand import Pause
from services.resolver.lander import RESTARTS_MAX
from tests.factories import channel_event, outgoing, still_clock
from tests.resolver_home import Home, shared_standing


def test_messages_in_hand_are_landed_after_the_database_came_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing more is sent, so that no later message can show that some are missing."""
    home = Home().say(channel_event(user_id="u-0", message_id="m-0"))
    transaction = home.store.transaction

    @contextmanager
    def gone() -> Iterator[Transaction]:
        raise RetryableError("the database went away")
        yield  # a generator is wanted

    home.log.producer().append([outgoing(channel_event(user_id="u-1", message_id="m-1"))])
    monkeypatch.setattr(home.store, "transaction", gone)
    with pytest.raises(RetryableError):
        home.worker.land_once(wait=False)
    monkeypatch.setattr(home.store, "transaction", transaction)
    assert landed(home.worker) == 1
    assert landed(home.worker) == 0


def test_what_the_log_removed_before_it_was_landed_is_written_down_and_stepped_over() -> None:
    home = Home()
    home.log.producer().append([said(turn) for turn in range(4)])
    partition = Partition(TOPIC, 0)
    home.log.remove_before(Position(partition, 3))
    home.worker.run_until_caught_up()
    items = [item for item, _ in home.store.tables.reviews.values()]
    assert [(item.kind, item.subject) for item in items] == [(MESSAGES_LOST, f"{TOPIC}/0/0 to 2")]
    assert items[0].detail["messages"] == 3
    assert is_caught_up(home.store, home.log)
    assert len(home.documents()) == 1
    home.say(channel_event(user_id="u-9", message_id="m-9"))
    assert len(home.documents()) == 2


def test_offsets_that_never_were_messages_are_passed_by_and_not_told() -> None:
    home = Home()
    holes = Partition(TOPIC, 0)
    for turn in range(3):
        home.log.leave_hole(holes)
        home.log.producer().append([said(turn)])
    home.log.leave_hole(holes)
    home.worker.run_until_caught_up()
    assert is_caught_up(home.store, home.log)
    assert len(home.documents()) == 3
    assert not home.store.tables.reviews
    home.log.leave_hole(holes)
    assert not is_caught_up(home.store, home.log)
    home.worker.run_until_caught_up()
    assert is_caught_up(home.store, home.log)


def test_a_log_that_lost_all_that_was_unread_is_at_its_end() -> None:
    home = Home().say(channel_event(user_id="u-0", message_id="m-0"))
    home.log.producer().append([said(turn) for turn in range(1, 4)])
    home.log.remove_before(Position(Partition(TOPIC, 0), 4))
    home.worker.run_until_caught_up()
    assert is_caught_up(home.store, home.log)
    assert len(home.store.tables.reviews) == 1


def test_a_loss_that_cannot_be_written_down_is_not_stepped_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = Home().say(channel_event(user_id="u-0", message_id="m-0"))
    home.log.producer().append([said(turn) for turn in range(1, 4)])
    home.log.remove_before(Position(Partition(TOPIC, 0), 3))
    transaction = home.store.transaction

    @contextmanager
    def gone() -> Iterator[Transaction]:
        with transaction() as tx:
            yield tx
            raise RetryableError("the database went away")

    with monkeypatch.context() as patched:
        patched.setattr(home.store, "transaction", gone)
        with pytest.raises(RetryableError):
            home.worker.land_once(wait=False)
    assert not home.store.tables.reviews
    home.worker.run_until_caught_up()
    assert len(home.store.tables.reviews) == 1
    assert len(home.documents()) == 2


def said(turn: int) -> OutgoingMessage:
    return outgoing(channel_event(user_id=f"u-{turn}", message_id=f"m-{turn}"))


def landed(worker: Worker) -> int:
    landing = worker.land_once(wait=False)
    return landing.messages if landing else 0


def test_a_mark_that_others_are_always_faster_at_is_tried_again_after_longer_and_longer_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In halves without a pause; then with one, until it succeeds or the worker is to stop."""
    pauses: list[float] = []

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        return len(pauses) == 5

    home = Home()
    home.worker.close()
    worker = worker_of(home, pause)
    home.log.producer().append([said(1)])
    worker.land_once(wait=False)
    transaction = home.store.transaction
    tries = iter(range(RESTARTS_MAX * 5))

    @contextmanager
    def overtaken() -> Iterator[Transaction]:
        if next(tries, None) is not None:
            raise RestartBatch("another worker was faster")
        with transaction() as tx:
            yield tx

    monkeypatch.setattr(home.store, "transaction", overtaken)
    assert worker.resolve_once() is not None
    assert pauses == [0.1, 0.2, 0.4]
    assert len(home.documents()) == 1
    tries = iter(range(1_000))
    with pytest.raises(RestartBatch, match="told to stop"):
        worker.resolve_once()
    assert pauses == [0.1, 0.2, 0.4, 0.1, 0.2]


def worker_of(home: Home, pause: Pause) -> Worker:
    return Worker(
        store=home.store,
        log=home.log,
        clock=still_clock(),
        bounds=Bounds(poll_ms=0, marks_max=4),
        standing=shared_standing(),
        pause=pause,
    )
