"""Parquet files: every column as text, nested ones as JSON, times in UTC."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from services.identity.adapters.files import reader
from services.identity.adapters.files.rows import Batch, Counted, Row, Scan
from services.identity.domain.errors import RejectReason, UsageError

_NESTED = ("STRUCT", "MAP", "UNION")
_NUMBER = "file_row_number"


class ParquetTable:
    """`line` is the number of the row, from 1."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self._connection = connection
        self._scan = f"read_parquet({reader.literal(str(path))}, {_NUMBER} = true)"
        found = connection.execute(f"DESCRIBE SELECT * FROM {self._scan}").fetchall()
        types = {row[0]: row[1] for row in found if row[0] != _NUMBER}
        self.columns = tuple(types)
        self._cells = {name: _as_text(name, kind) for name, kind in types.items()}

    def read(self, *, rows_max: int) -> Iterator[Batch]:
        cells = ", ".join(self._cells.values())
        self._connection.execute(f"SELECT {_NUMBER} + 1, {cells} FROM {self._scan}")
        while found := self._connection.fetchmany(rows_max):
            yield Batch(
                rows=[
                    Row(line=line, values=dict(zip(self.columns, values, strict=True)))
                    for line, *values in found
                ]
            )

    def count(self, *, key: str) -> Counted:
        with reader.counting(self._connection):
            rows, used = reader.count(
                self._connection,
                "count(*)",
                reader.is_there(self._cells[key]),
                relation=self._scan,
            )
        return Counted(rows=rows, skipped=+Counter({RejectReason.NO_IDENTIFIER: rows - used}))

    def scan(self) -> Scan:
        return Scan(connection=self._connection, relation=self._scan, cells=self._cells)


def _as_text(name: str, kind: str) -> str:
    column = reader.identifier(name)
    if kind.startswith(_NESTED) or kind.endswith("]"):
        return f"CAST(to_json({column}) AS VARCHAR)"
    return f"nullif(CAST({column} AS VARCHAR), '')"


@contextmanager
def open_parquet(path: Path) -> Iterator[ParquetTable]:
    """Raises UsageError when it is not a whole Parquet file."""
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    with TemporaryDirectory(prefix="plait-load-") as folder, reader.connect() as connection:
        link = Path(folder) / "input"  # DuckDB reads `*`, `?` and `[` in a name as a pattern
        link.symlink_to(path.resolve())
        try:
            yield ParquetTable(connection, link)
        except duckdb.Error:
            raise UsageError(f"{path.name} is not a whole Parquet file") from None
