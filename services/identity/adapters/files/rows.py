"""What reading a file gives, whatever its format: rows as text, and what could not be read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import duckdb

from services.identity.domain.errors import RejectReason

REJECT_BYTES_MAX = 512 * 1024  # kept of one unreadable line; the file still has the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: every cell as text, None where there is none. `line` counts from 1."""

    line: int
    values: dict[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """One line that is no row, with its bytes and what to do. `detail` quotes nothing of it."""

    line: int
    raw: bytes
    reason: RejectReason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many rows a file has, and how many lines or rows of it cannot be used, by reason."""

    rows: int
    skipped: Mapping[RejectReason, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """How DuckDB reads the rows of a file, without those that are none, in file order.

    `relation` is a FROM clause; `cells` gives of each column the SQL of its text, null where there
    is none.
    """

    connection: duckdb.DuckDBPyConnection
    relation: str
    cells: Mapping[str, str]


class Table(Protocol):
    """An opened file: the columns it has, and its rows in file order, bounded at a time."""

    columns: tuple[str, ...]

    def read(self, *, rows_max: int) -> Iterator[Batch]: ...
    def scan(self) -> Scan: ...
    def count(self, *, key: str) -> Counted:
        """In bounded memory; a row without a value in the column `key` cannot be used.

        Raises UsageError when the file is not written as its format says.
        """
        ...
