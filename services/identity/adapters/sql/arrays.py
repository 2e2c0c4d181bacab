"""Long lists as parameters: written as PostgreSQL's binary arrays in one go.

psycopg writes a list element by element; for the thousands of keys of a batch that cost more than
the query. Source of the layout: PostgreSQL, src/backend/utils/adt/arrayfuncs.c, array_recv.
"""

import struct
from collections.abc import Iterable, Sequence

import numpy as np
from psycopg import Connection
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.rows import TupleRow

INT8_OID = 20
INT8_ARRAY_OID = 1016
UUID_OID = 2950
UUID_ARRAY_OID = 2951
BYTEA_OID = 17
BYTEA_ARRAY_OID = 1001
_HEADER = struct.Struct(">iiIii")  # dimensions, has nulls, element type, length, lower bound
_SIZE = struct.Struct(">i").pack
_NULL = _SIZE(-1)
_ELEMENT = np.dtype([("size", ">i4"), ("value", ">i8")])


class Int8s:
    """A list of 64-bit integers to be bound as one int8[] parameter."""

    __slots__ = ("values",)

    def __init__(self, values: Sequence[int]) -> None:
        self.values = values


def encode_int8s(values: Sequence[int]) -> bytes:
    if not values:
        return struct.pack(">iiI", 0, 0, INT8_OID)
    elements = np.empty(len(values), dtype=_ELEMENT)
    elements["size"] = 8
    elements["value"] = values
    return _HEADER.pack(1, 0, INT8_OID, len(values), 1) + elements.tobytes()


class Uuids:
    """A list of UUIDs, as their sixteen bytes, to be bound as one uuid[] parameter."""

    __slots__ = ("values",)

    def __init__(self, values: Iterable[bytes | None]) -> None:
        self.values = tuple(values)


class Byteas:
    """A list of byte strings, or None, to be bound as one bytea[] parameter."""

    __slots__ = ("values",)

    def __init__(self, values: Iterable[bytes | None]) -> None:
        self.values = tuple(values)


def _encode(oid: int, values: Iterable[bytes | None]) -> bytes:
    cells = [_NULL if each is None else _SIZE(len(each)) + each for each in values]
    if not cells:
        return struct.pack(">iiI", 0, 0, oid)
    return _HEADER.pack(1, 1, oid, len(cells), 1) + b"".join(cells)


class _UuidsDumper(Dumper):
    format = Format.BINARY
    oid = UUID_ARRAY_OID

    def dump(self, obj: Uuids) -> bytes:
        return _encode(UUID_OID, obj.values)


class _ByteasDumper(Dumper):
    format = Format.BINARY
    oid = BYTEA_ARRAY_OID

    def dump(self, obj: Byteas) -> bytes:
        return _encode(BYTEA_OID, obj.values)


class _Int8sDumper(Dumper):
    format = Format.BINARY
    oid = INT8_ARRAY_OID

    def dump(self, obj: Int8s) -> bytes:
        return encode_int8s(obj.values)


def register(connection: Connection[TupleRow]) -> None:
    connection.adapters.register_dumper(Int8s, _Int8sDumper)
    connection.adapters.register_dumper(Uuids, _UuidsDumper)
    connection.adapters.register_dumper(Byteas, _ByteasDumper)
