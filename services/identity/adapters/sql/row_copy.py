"""Rows with texts and bytes through binary COPY, packed here: psycopg pays by the value.

A row is a count, then cells, each with its length in front. Source of the layout: PostgreSQL,
"COPY", Binary Format.
"""

import struct
from collections.abc import Iterable
from itertools import islice
from typing import Any
from uuid import UUID

import psycopg

from services.identity.adapters.sql.integer_copy import HEADER, TRAILER

_ROWS_MAX = 20_000  # of one piece: bounds memory

_COUNT = struct.Struct(">h").pack
_SIZE = struct.Struct(">i").pack
_INT8 = struct.Struct(">iq").pack
_INT4 = struct.Struct(">ii").pack
_INT2 = struct.Struct(">ih").pack


def copy_rows(cursor: psycopg.Cursor[Any], into: str, rows: Iterable[tuple[bytes, ...]]) -> None:
    """Add rows of cells to `into`, e.g. `event (record, body)`."""
    rest = iter(rows)
    with cursor.copy(f"COPY {into} FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(HEADER)
        while piece := [_COUNT(len(row)) + b"".join(row) for row in islice(rest, _ROWS_MAX)]:
            copy.write(b"".join(piece))
        copy.write(TRAILER)


def int8(value: int) -> bytes:
    return _INT8(8, value)


def int4(value: int) -> bytes:
    return _INT4(4, value)


def int2(value: int) -> bytes:
    return _INT2(2, value)


def boolean(value: bool) -> bytes:  # noqa: FBT001  # a cell, as the others
    return raw(b"\1" if value else b"\0")


def raw(value: bytes) -> bytes:
    """A bytea, or any value already in its binary form."""
    return _SIZE(len(value)) + value


def text(value: str) -> bytes:
    return raw(value.encode())


def uuid(value: UUID) -> bytes:
    return raw(value.bytes)
