"""The resolver's store on PostgreSQL: transactions, and reads over the whole base."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg

from services.identity.adapters.sql.engine import Connection, connect
from services.identity.adapters.sql.resolving import ResolvingReads, ResolvingWrites
from services.identity.adapters.sql.snapshot import SqlSnapshot
from services.identity.domain.errors import RetryableError
from services.identity.store import Reading, RestartBatch, Transaction

NUMBERS_READ_MAX = 5_000


class SqlStore:
    """One connection, one worker. READ COMMITTED; every statement sees what is committed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection | None = None

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            try:
                self._connection = connect(self._url, autocommit=True)
            except psycopg.OperationalError as error:
                raise RetryableError("the database cannot be reached") from error
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Raises RestartBatch on a deadlock (40P01) or serialisation failure (40001)."""
        connection = self._connected()
        with _world_failures(), connection.transaction(), connection.cursor() as cursor:
            yield ResolvingWrites(cursor)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """REPEATABLE READ, and nothing can be written."""
        connection = self._connected()
        with _world_failures(), connection.transaction(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield ResolvingReads(cursor)

    def record_numbers(self) -> Iterator[Sequence[int]]:
        last = 0
        while True:
            connection = self._connected()
            with _world_failures():
                rows = connection.execute(
                    "SELECT id FROM record WHERE id > %s ORDER BY id LIMIT %s",
                    (last, NUMBERS_READ_MAX),
                ).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            yield [row[0] for row in rows]

    def pending_work(self) -> int:
        connection = self._connected()
        with _world_failures():
            row = connection.execute(
                "SELECT (SELECT count(*) FROM dirty) + (SELECT count(*) FROM set_aside)"
                " + (SELECT count(*) FROM layout)"
            ).fetchone()
        return int(row[0]) if row else 0

    @contextmanager
    def snapshot(self) -> Iterator[SqlSnapshot]:
        """On a connection of its own, REPEATABLE READ: what others commit meanwhile is not seen."""
        with connect(self._url) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            yield SqlSnapshot(connection)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextmanager
def _world_failures() -> Iterator[None]:
    """What another worker or the server did, in the resolver's words; anything else is a bug."""
    try:
        yield
    except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure) as error:
        raise RestartBatch("another worker held the same rows") from error
    except (
        psycopg.OperationalError,
        psycopg.InterfaceError,  # the connection was lost between two statements
        psycopg.errors.ReadOnlySqlTransaction,  # a standby that is not the primary yet
    ) as error:
        raise RetryableError("the database went away") from error
