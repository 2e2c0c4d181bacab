"""Connections to PostgreSQL, and the schema brought up to date."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from services.identity.adapters.sql import arrays
from services.identity.adapters.sql.tables import DEDUPE_PARTITIONS, metadata

Connection = psycopg.Connection[TupleRow]

PATIENCE = {
    "connect_timeout": 10,  # seconds; the system would wait for minutes
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # milliseconds without a word from the server's machine
}
SCHEMA_LOCK = 7_046_029  # advisory lock: one process migrates at a time


def connect(url: str, *, autocommit: bool = False) -> Connection:
    """A psycopg connection. Raises psycopg.OperationalError when the server cannot be reached."""
    connection = psycopg.connect(_patient(url), autocommit=autocommit)
    connection.prepare_threshold = 2
    arrays.register(connection)
    return connection


def _patient(url: str) -> str:
    """The URL with bounds for a server that does not answer at all; what it says itself stays."""
    said = conninfo_to_dict(url)
    return make_conninfo(url, **{name: v for name, v in PATIENCE.items() if name not in said})


@contextmanager
def transaction(connection: Connection) -> Iterator[psycopg.Cursor[Any]]:
    """One READ COMMITTED transaction: committed on leaving, rolled back on any error."""
    with connection.transaction(), connection.cursor() as cursor:
        yield cursor


def schema_statements() -> list[str]:
    """The DDL of all tables, in order; dedupe gets its hash partitions."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it bare
    statements: list[str] = []
    for table in metadata.sorted_tables:
        statements.append(str(CreateTable(table, if_not_exists=True).compile(dialect=dialect)))
        statements.extend(
            str(CreateIndex(index, if_not_exists=True).compile(dialect=dialect))
            for index in sorted(table.indexes, key=lambda i: str(i.name))
        )
    statements.extend(
        f"CREATE TABLE IF NOT EXISTS dedupe_{part} PARTITION OF dedupe"
        f" FOR VALUES WITH (MODULUS {DEDUPE_PARTITIONS}, REMAINDER {part})"
        for part in range(DEDUPE_PARTITIONS)
    )
    return statements


def create_schema(connection: Connection) -> None:
    """Create what is missing. Idempotent, and safe when several processes start at once."""
    with transaction(connection) as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (SCHEMA_LOCK,))
        missing = _missing(cursor)
        if not missing:
            return
        for statement in schema_statements():
            cursor.execute(statement)
        for statement in _column_statements(missing):
            cursor.execute(statement)


def _missing(cursor: psycopg.Cursor[Any]) -> list[tuple[str, str]]:
    """(table, column) that are declared and not there."""
    declared = [(table.name, each.name) for table in metadata.tables.values() for each in table.c]
    cursor.execute(
        "SELECT t, c FROM unnest(%s::text[], %s::text[]) AS n (t, c) WHERE NOT EXISTS ("
        "SELECT FROM pg_attribute WHERE attrelid = to_regclass(t) AND attname = c)",
        ([table for table, _ in declared], [column for _, column in declared]),
    )
    return [(table, column) for table, column in cursor.fetchall()]


def _column_statements(missing: Sequence[tuple[str, str]]) -> list[str]:
    """A table that was there gets the columns that its rows need not say: they are not touched."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it bare
    columns = [metadata.tables[table].c[column] for table, column in missing]
    return [
        f'ALTER TABLE "{each.table.name}" ADD COLUMN IF NOT EXISTS'
        f" {CreateColumn(each).compile(dialect=dialect)}"
        for each in columns
        if each.nullable or each.server_default is not None
    ]
