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

    `is_alone`: nothing else is served here, so that where there is a core for it landing gets a
    process of its own, and resolving a second hand; else landing goes on in a thread.

    Raises RetryableError when the log or the database cannot be reached, and UsageError when the
    home's rules file is not what its records were derived by.
    """
    from services.cli.rules import take_rules
    from services.identity.adapters.sql.store import SqlStore
    from services.resolver.consume import Bounds, Worker

    take_rules(home)
    bounds = bounds or Bounds()
    is_apart = is_alone and has_cores()
    log, store, other = home.log(), SqlStore(home.url), SqlStore(home.url)
    try:
        worker = Worker(
            store=store,
            beside=None if is_apart else other,
            second=other if is_apart else None,
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
        other.close()
        store.close()
        log.close()
