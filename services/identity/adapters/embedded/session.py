"""A connection that is made when needed and thrown away when it fails."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from services.identity.adapters.sql.engine import Connection, connect
from services.identity.domain.errors import RetryableError


class Session:
    """Errors of the world become RetryableError; the next use connects again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection | None = None

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    @contextmanager
    def use(self) -> Iterator[Connection]:
        try:
            if self._connection is None:
                self._connection = connect(self._url, autocommit=True)
            yield self._connection
        except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError) as error:
            self.close()
            code = error.sqlstate or "no answer"
            raise RetryableError(f"the embedded log cannot be reached ({code})") from error

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()
