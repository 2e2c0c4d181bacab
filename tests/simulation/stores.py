"""Stores as the simulated workers have them: every verb, or every statement, is a step.

Nothing here knows the store's verbs by name: whatever a transaction offers is stepped.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import psycopg

from services.identity.adapters.sql.engine import Connection
from services.identity.adapters.sql.store import SqlStore
from services.identity.store import ResolverStore, RestartBatch, Transaction
from tests.simulation.actors import SIMULATED, Actor
from tests.simulation.tally import Tally
from tests.simulation.world import LogOfOne

NEVER_SECONDS = 3_600  # the server looks for no deadlock: whom it would choose is left to chance


class Turn:
    """Who is in a transaction of a store that gives one at a time."""

    def __init__(self) -> None:
        self.holder: Actor | None = None


class SteppedStore:
    """Another store, whose transactions are entered, filled and left in steps.

    `turn` is None for a store that isolates its transactions itself.
    """

    def __init__(
        self, store: object, actor: Actor, log: LogOfOne, tally: Tally, turn: Turn | None
    ) -> None:
        self._store = cast("ResolverStore", store)
        self._log = log
        self._actor = actor
        self._tally = tally
        self._turn = turn

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the store has besides
        return getattr(self._store, name)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        self._actor.step("begin")
        self._log.begun()
        if self._turn is not None:
            self._turn.holder = self._actor
        try:
            with self._store.transaction() as tx:
                verbs = _Verbs(tx, self._actor, self._tally, is_step=self._turn is not None)
                yield cast("Transaction", verbs)
                self._actor.step("commit")
        except RestartBatch as error:
            _count(self._tally, error)
            raise
        finally:
            if self._turn is not None:
                self._turn.holder = None
        self._log.committed()
        self._actor.step("committed")


class _Verbs:
    """A transaction that says which verb it is in."""

    def __init__(self, tx: Transaction, actor: Actor, tally: Tally, *, is_step: bool) -> None:
        self._tx = tx
        self._actor = actor
        self._tally = tally
        self._is_step = is_step

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What fails in it may be tried again without its transaction."""
        self._actor.step("attempt")
        try:
            with self._tx.attempt():
                yield
        except RestartBatch as error:
            _count(self._tally, error)
            raise

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # any verb of the transaction
        found = getattr(self._tx, name)
        if not callable(found):
            return found

        def verb(*args: object, **named: object) -> object:
            self._actor.verb = name
            if self._is_step:
                self._actor.step(name)
            return found(*args, **named)

        return verb


def _count(tally: Tally, error: RestartBatch) -> None:
    if str(error) != SIMULATED:
        tally.restarts[str(error)] += 1


class SteppedSqlStore(SqlStore):
    """PostgreSQL, with a step before every statement. The stage ends deadlocks."""

    def __init__(self, url: str, actor: Actor) -> None:
        super().__init__(url)
        self._actor = actor

    def _connected(self) -> Connection:
        is_new = self._connection is None or self._connection.closed
        connection = super()._connected()
        if is_new:
            connection.execute(f"SET deadlock_timeout = '{NEVER_SECONDS}s'")
            connection.cursor_factory = _stepped_cursor(self._actor)
            self._actor.backend = connection.info.backend_pid
        return connection


def _stepped_cursor(actor: Actor) -> type[psycopg.Cursor[Any]]:
    @contextmanager
    def a_step() -> Iterator[None]:
        actor.step(actor.verb)
        try:
            yield
        except psycopg.errors.QueryCanceled:
            if not actor.is_victim:
                raise
            actor.is_victim = False
            raise psycopg.errors.DeadlockDetected("chosen by the stage") from None

    class Stepped(psycopg.Cursor[Any]):
        def execute(self, *args: Any, **named: Any) -> Any:  # noqa: ANN401  # as psycopg's own
            with a_step():
                return psycopg.Cursor.execute(self, *args, **named)

        def executemany(self, *args: Any, **named: Any) -> Any:  # noqa: ANN401  # as above
            with a_step():
                return psycopg.Cursor.executemany(self, *args, **named)

        @contextmanager
        def copy(self, *args: Any, **named: Any) -> Iterator[Any]:  # noqa: ANN401  # as above
            with a_step(), psycopg.Cursor.copy(self, *args, **named) as copy:
                yield copy

    return Stepped
