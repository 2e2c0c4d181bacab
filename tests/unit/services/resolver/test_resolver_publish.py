"""The relay: nothing leaves the outbox before the log has it."""

from collections.abc import Sequence

import pytest

from services.identity.domain.errors import RetryableError
from services.identity.ports import OutgoingMessage, Position
from services.resolver.publish import relay
from tests.resolver_home import Home

LETTERS = [
    OutgoingMessage(topic="profile-changes", key=b"p", value=b"%d" % number) for number in range(3)
]


class Recorder:
    """A producer that keeps what it is given, or cannot be reached."""

    def __init__(self, *, is_down: bool = False) -> None:
        self.is_down = is_down
        self.sent: list[OutgoingMessage] = []

    def append(self, messages: Sequence[OutgoingMessage]) -> Sequence[Position]:
        self.sent.extend(messages)
        if self.is_down:
            raise RetryableError("the log cannot be reached")
        return []

    def close(self) -> None: ...


def a_home() -> Home:
    home = Home()
    with home.store.transaction() as tx:
        tx.send(LETTERS)
    return home


def test_what_waits_is_sent_once_and_in_order() -> None:
    home, producer = a_home(), Recorder()
    assert relay(home.store, producer) == 3
    assert relay(home.store, producer) == 0
    assert producer.sent == LETTERS


def test_what_the_log_did_not_acknowledge_is_sent_again() -> None:
    home, producer = a_home(), Recorder(is_down=True)
    with pytest.raises(RetryableError):
        relay(home.store, producer)
    assert len(home.store.tables.outbox) == 3
    producer.is_down = False
    relay(home.store, producer)
    assert producer.sent == [*LETTERS, *LETTERS]
