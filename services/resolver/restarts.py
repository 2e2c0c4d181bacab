"""A transaction that is begun again when another worker was faster."""

from collections.abc import Callable
from typing import TypeVar

from services.identity.store import ResolverStore, RestartBatch, Transaction

RESTARTS_MAX = 5

T = TypeVar("T")


def with_restarts(store: ResolverStore, work: Callable[[Transaction], T]) -> T:
    """What `work` gives, committed. Raises RestartBatch when the last try was in vain too."""
    for _ in range(RESTARTS_MAX - 1):
        try:
            with store.transaction() as tx:
                return work(tx)
        except RestartBatch:
            continue
    with store.transaction() as tx:
        return work(tx)
