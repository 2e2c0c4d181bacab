"""A worker on a home, with the log and the database that it uses."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from services.cli.home import Home
from services.cli.landing import apart, has_cores

if TYPE_CHECKING:  # the resolver's libraries are not installed where only another service runs
    from services.resolver.backoff import Backoff
    from services.resolver.consume import Bounds, Worker
    from services.resolver.observe import Observer


@contextmanager
def worker_on(
    home: Home,
    *,
    bounds: "Bounds | None" = None,
    observer: "Observer | None" = None,
    backoff: "Backoff | None" = None,
    is_alone: bool = False,
) -> Iterator["Worker"]:
    """Closed on leaving, with everything that it used.

    `is_alone`: nothing else is served here, so that where there is a core for it landing and a
    second hand get a process of their own; else landing goes on in a thread.

    Raises RetryableError when the log or the database cannot be reached, and UsageError when the
    home's rules file is not what its records were derived by.
    """
    from services.cli.rules import take_rules
    from services.identity.adapters.sql.store import SqlStore
    from services.resolver.consume import Bounds, Worker

    take_rules(home)
    bounds = bounds or Bounds()
    is_apart = is_alone and has_cores()
    log, store = home.log(), SqlStore(home.url)
    other = None if is_apart else SqlStore(home.url)
    try:
        worker = Worker(
            store=store,
            beside=other,
            log=log,
            landing=apart(home, bounds) if is_apart else None,
            clock=home.clock,
            bounds=bounds,
            observer=observer,
            backoff=backoff,
        )
        try:
            yield worker
        finally:
            worker.close()
    finally:
        if other is not None:
            other.close()
        store.close()
        log.close()
