"""A bulk fill connects only what is landed to the last message."""

from services.resolver.consume import is_landed
from tests.factories import channel_event, outgoing
from tests.resolver_home import Home


def test_a_message_that_no_worker_landed_is_not_forgotten() -> None:
    home = Home()
    assert is_landed(home.store, home.log)
    home.log.producer().append([outgoing(channel_event())])
    assert not is_landed(home.store, home.log)
    home.worker.land_until_end()
    assert is_landed(home.store, home.log)
