"""Splink's SQL for some comparisons, planned once and asked about batch after batch of pairs."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from services.linkage.columns import to_arrow
from services.linkage.splink_sql import columns_read, levels_sql
from services.linkage.weights import Rows

_NO_ROWS: Rows = np.empty(0, dtype=np.int64)


class _Batch:
    """What the prepared statement reads: an Arrow stream over the table of the moment.

    The name is bound once, so that the plan stays valid; each run asks for a stream of its own.
    Protocol: Arrow PyCapsule interface.
    """

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_schema__(self) -> object:
        return self.table.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


class Levels:
    """One prepared statement of a connection, and the name that it reads."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        name: str,
        cases: Sequence[str],
        columns: Mapping[str, bool],
    ) -> None:
        """`columns` are a record's, of each whether it holds a list of words."""
        self.columns = {each: columns[each] for each in columns_read(cases, columns)}
        self._connection = connection
        self._sql = f"execute {name}"
        self._nobody = _sides(to_arrow([], self.columns), self.columns, _NO_ROWS, _NO_ROWS)
        self._batch = _Batch(self._nobody)
        connection.register(f"sides_of_{name}", self._batch)
        connection.execute(f"prepare {name} as {levels_sql(cases, f'sides_of_{name}')}")

    def ask(self, records: pa.Table, left: Rows, right: Rows) -> Mapping[str, Any]:
        """The pairs' numbers, then their levels as Splink counts them, in any order."""
        self._batch.table = _sides(records, self.columns, left, right)
        found: Mapping[str, Any] = self._connection.execute(self._sql).fetchnumpy()
        self._batch.table = self._nobody
        if len(found["pair"]) != len(left):  # a plan that holds on to another batch
            raise RuntimeError("the scorer answered for other pairs than it was asked")
        return found


def _sides(records: pa.Table, names: Mapping[str, bool], left: Rows, right: Rows) -> pa.Table:
    """Both records' columns beside each other, a row a pair."""
    columns: dict[str, Any] = {"pair": np.arange(len(left), dtype=np.int64)}
    for side, rows in (("l", left), ("r", right)):
        taken = records.select([*names]).take(pa.array(rows))
        columns |= {f"{name}_{side}": taken[name] for name in taken.column_names}
    return pa.table(columns)
