"""Tables of numbers through binary COPY in one piece, made by numpy instead of row by row.

Source of the layout: PostgreSQL, "COPY", Binary Format.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)  # no flags, no extension
TRAILER = b"\xff\xff"
_ROWS_MAX = 500_000  # of one piece: bounds memory

Column = npt.NDArray[np.signedinteger[Any]]


def copy_integers(cursor: psycopg.Cursor[Any], into: str, columns: Sequence[Column]) -> None:
    """Add rows to `into`, e.g. `key (key, record)`; each column has the type of its array."""
    with cursor.copy(f"COPY {into} FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(HEADER)
        for start in range(0, len(columns[0]), _ROWS_MAX):
            copy.write(_rows([each[start : start + _ROWS_MAX] for each in columns]))
        copy.write(TRAILER)


def _rows(columns: Sequence[Column]) -> bytes:
    parts: list[tuple[str, str]] = [("count", ">i2")]
    for place, column in enumerate(columns):
        parts += [(f"size_{place}", ">i4"), (f"value_{place}", f">i{column.itemsize}")]
    rows = np.empty(len(columns[0]), dtype=np.dtype(parts))
    rows["count"] = len(columns)
    for place, column in enumerate(columns):
        rows[f"size_{place}"] = column.itemsize
        rows[f"value_{place}"] = column
    return rows.tobytes()
