"""The outbox relay: sends what a committed transaction decided, in order, at least once."""

from services.identity.ports import Producer
from services.identity.store import ResolverStore

LETTERS_MAX = 2_000  # messages sent in one transaction of the relay


def relay(store: ResolverStore, producer: Producer) -> int:
    """Send what waits; rows go only after the log has acknowledged them."""
    with store.transaction() as tx:
        letters = tx.unsent(LETTERS_MAX)
        if letters:
            producer.append([message for _, message in letters])
            tx.delete_sent([sequence for sequence, _ in letters])
        return len(letters)
