"""Long lists of numbers as parameters: written as PostgreSQL's binary arrays in one go.

psycopg writes a list element by element; for the thousands of keys of a batch that cost more than
the query. Source of the layout: PostgreSQL, src/backend/utils/adt/arrayfuncs.c, array_recv.
"""

import struct
from collections.abc import Sequence

import numpy as np
from psycopg import Connection
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.rows import TupleRow

INT8_OID = 20
INT8_ARRAY_OID = 1016
_HEADER = struct.Struct(">iiIii")  # dimensions, has nulls, element type, length, lower bound
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


class _Int8sDumper(Dumper):
    format = Format.BINARY
    oid = INT8_ARRAY_OID

    def dump(self, obj: Int8s) -> bytes:
        return encode_int8s(obj.values)


def register(connection: Connection[TupleRow]) -> None:
    connection.adapters.register_dumper(Int8s, _Int8sDumper)
