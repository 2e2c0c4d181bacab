"""The set-based fill in PostgreSQL: whole tables through binary COPY, in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg

from services.identity.adapters.sql.engine import Connection, connect
from services.identity.adapters.sql.landing import decode_state
from services.identity.adapters.sql.resolving import ResolvingWrites
from services.identity.domain.errors import RetryableError
from services.identity.domain.ids import Micros, RecordKey
from services.identity.store import BaseRecord, MarkKind, StoredEdge

ROWS_FETCHED = 10_000
_HEADER_BYTES = 19  # signature, flags, and an empty extension: PostgreSQL, "COPY", Binary Format
_TRAILER_BYTES = 2
_KEY_ROW = np.dtype(
    [("n", ">i2"), ("size_1", ">i4"), ("key", ">i8"), ("size_2", ">i4"), ("record", ">i8")]
)

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
        with self._cursor.copy("COPY key (key, record) TO STDOUT (FORMAT BINARY)") as copy:
            raw = b"".join(bytes(piece) for piece in copy)
        rows = np.frombuffer(raw[_HEADER_BYTES:-_TRAILER_BYTES], dtype=_KEY_ROW)
        return rows["key"].astype(np.int64), rows["record"].astype(np.int64)

    def replace_base(
        self,
        *,
        edges: Sequence[StoredEdge],
        components: Mapping[int, int],
        generic: Sequence[int],
        at: Micros,
    ) -> None:
        writes = ResolvingWrites(self._cursor)
        self._cursor.execute("TRUNCATE edge, generic_key, dirty")
        writes.put_edges(edges)
        writes.set_generic(dict.fromkeys(generic, True), at=at)
        self._replace_memberships(components)
        writes.mark((MarkKind.TRAITS, each, at) for each in sorted(set(components.values())))

    def _replace_memberships(self, components: Mapping[int, int]) -> None:
        """Empty records stay components of their own, in no profile."""
        self._cursor.execute(
            "CREATE TEMPORARY TABLE placed (record bigint, component bigint) ON COMMIT DROP"
        )
        with self._cursor.copy("COPY placed FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(("int8", "int8"))
            for row in components.items():
                copy.write_row(row)
        self._cursor.execute(
            "UPDATE membership m SET component = p.component FROM placed p"
            " WHERE m.record = p.record AND m.component <> p.component"
        )


@contextmanager
def bulk_transaction(url: str) -> Iterator[SqlBulk]:
    """Committed on leaving. Landing and resolving wait until then."""
    try:
        with connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("LOCK TABLE record, membership, dirty IN EXCLUSIVE MODE")
            yield SqlBulk(connection, cursor)
    except psycopg.OperationalError as error:
        raise RetryableError("the database went away") from error
