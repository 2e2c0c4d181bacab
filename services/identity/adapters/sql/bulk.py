"""The set-based fill in PostgreSQL: whole tables through binary COPY, in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg

from services.identity.adapters.sql.engine import Connection, connect
from services.identity.adapters.sql.integer_copy import copy_integers
from services.identity.adapters.sql.landing import decode_state
from services.identity.adapters.sql.resolving import ResolvingWrites
from services.identity.domain.errors import RetryableError
from services.identity.domain.ids import Micros, RecordKey
from services.identity.domain.ladder import Place
from services.identity.store import StoredEdge
from services.identity.store_bulk import BaseRecord
from services.identity.store_marks import MarkKind

ROWS_FETCHED = 10_000
_KEYS = """
SELECT string_agg(int8send(key), ''::bytea), string_agg(int8send(record), ''::bytea)
FROM key GROUP BY record / 100000
"""  # a few values of a megabyte or two; reading row by row took longer than everything after it

Numbers = npt.NDArray[np.int64]


class SqlBulk:
    """One transaction; nobody else may write meanwhile, which a table lock makes sure of."""

    def __init__(self, connection: Connection, cursor: psycopg.Cursor[Any]) -> None:
        self._connection = connection
        self._cursor = cursor

    def base_records(self) -> Iterator[BaseRecord]:
        with self._connection.cursor("base_records", binary=True) as cursor:
            cursor.itersize = ROWS_FETCHED
            cursor.execute("SELECT id, source, key_kind, key, features, state, keys FROM record")
            for number, source, kind, key, features, raw, keys in cursor:
                state = decode_state(raw)
                if not state.is_empty:
                    yield BaseRecord(number, RecordKey(source, kind, key), features, state, keys)

    def all_keys(self) -> tuple[Numbers, Numbers]:
        pieces = self._cursor.execute(_KEYS, binary=True).fetchall()
        keys, records = zip(*pieces, strict=True) if pieces else ((), ())
        return _numbers(keys), _numbers(records)

    def replace_base(
        self,
        *,
        edges: Sequence[StoredEdge],
        components: Mapping[int, Place],
        generic: Sequence[int],
        at: Micros,
    ) -> None:
        writes = ResolvingWrites(self._cursor)
        self._cursor.execute("TRUNCATE edge, generic_key, dirty, layout")
        writes.put_edges(edges)
        writes.set_generic(dict.fromkeys(generic, True), at=at)
        self._replace_memberships(components)
        parts = sorted({each.part for each in components.values()})
        writes.mark((MarkKind.COMPONENT, each, at) for each in parts)
        writes.mark_all_decisions(kind=MarkKind.DECISION, since=at)

    def _replace_memberships(self, components: Mapping[int, Place]) -> None:
        """Empty records stay components of their own, in no profile."""
        self._cursor.execute(
            "CREATE TEMPORARY TABLE placed (record bigint, component bigint, step bigint)"
            " ON COMMIT DROP"
        )
        places = np.array(list(components.values()), dtype=np.int64).reshape(-1, 2)
        records = np.fromiter(components, np.int64)
        copy_integers(self._cursor, "placed", [records, places[:, 0], places[:, 1]])
        self._cursor.execute(
            "UPDATE membership m SET component = p.component, step = p.step FROM placed p"
            " WHERE m.record = p.record AND (m.component, m.step) <> (p.component, p.step)"
        )


def _numbers(pieces: Sequence[bytes]) -> Numbers:
    """What int8send wrote, one after the other."""
    return np.frombuffer(b"".join(pieces), dtype=">i8").astype(np.int64)


@contextmanager
def bulk_transaction(url: str) -> Iterator[SqlBulk]:
    """Committed on leaving. Landing and resolving wait until then."""
    try:
        with connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("LOCK TABLE record, membership, dirty IN EXCLUSIVE MODE")
            yield SqlBulk(connection, cursor)
    except psycopg.OperationalError as error:
        raise RetryableError("the database went away") from error
