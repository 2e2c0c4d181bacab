"""A database taken into use: reached, new enough, with its tables; failures in our own words."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from services.identity.adapters.sql.engine import Connection, connect, create_schema
from services.identity.domain.errors import RetryableError, UsageError

VERSION_MIN = 15


class NotAllowedError(UsageError):
    """The database's role may not do this."""


@contextmanager
def opened(url: str) -> Iterator[Connection]:
    """A connection. Raises RetryableError when the server is away, NotAllowedError without rights.

    The server's own words are left out of the errors: they may repeat values.
    """
    try:
        connection = connect(url)
        try:
            with as_allowed():
                yield connection
        finally:
            connection.close()
    except psycopg.errors.InvalidPassword:
        raise UsageError("the database refuses the user or its password") from None
    except psycopg.errors.InvalidCatalogName:
        raise UsageError("the server has no database of this name") from None
    except psycopg.OperationalError as error:
        code = error.sqlstate or "no answer"
        raise RetryableError(f"the database cannot be reached ({code})") from None


@contextmanager
def as_allowed() -> Iterator[None]:
    """Raises NotAllowedError when the database's role may not do what is tried."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege:
        raise NotAllowedError("the role of the database URL may not do this") from None


def take_into_use(connection: Connection) -> None:
    """Check the server and make the tables that are missing.

    Raises UsageError when the server is too old.
    """
    version = connection.info.server_version // 10_000
    if version < VERSION_MIN:
        raise UsageError(f"PostgreSQL {VERSION_MIN} or newer is needed; this server is {version}")
    create_schema(connection)
