"""The loop: what was polled and not landed is read again, whatever else fails meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from services.identity.domain.errors import RetryableError
from services.identity.store import Transaction
from services.resolver.consume import Worker
from tests.factories import channel_event, outgoing
from tests.resolver_home import Home


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


def landed(worker: Worker) -> int:
    landing = worker.land_once(wait=False)
    return landing.messages if landing else 0
