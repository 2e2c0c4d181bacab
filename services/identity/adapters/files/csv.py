"""Delimited text: every row, or the line with its reason. Nothing about the file is guessed."""

import csv as standard_csv
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import duckdb

from services.identity.adapters.files import reader
from services.identity.adapters.files.rows import Batch, Counted, Row, Scan
from services.identity.adapters.files.spool import Spooled, Survey, spooled
from services.identity.domain.errors import RejectReason, UsageError
from services.identity.domain.mapping import FileFormat

HEADER_CHARS_MAX = 1 << 20


class CsvTable:
    """Two scans: the first finds what is no row, so that the second can number the rows."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        spool: Spooled,
        survey: Survey,
        format_: FileFormat,
        *,
        lines_max: int,
    ) -> None:
        self._connection = connection
        self._format = format_
        self._spool = spool
        blank, self.columns = _header(spool, format_)
        self._skipped = blank
        # in a file of one column a blank line is a row
        self._blank = survey.blank if len(self.columns) > 1 else frozenset()
        self._lines_max = lines_max

    def read(self, *, rows_max: int) -> Iterator[Batch]:
        """The unreadable lines first, then the rows.

        Raises UsageError before the first batch when this is no such file.
        """
        found = self._check()
        spans = {each.line: span for each, span in reader.rejects(found, self._spool)}
        again = (each for each, _ in reader.rejects(found, self._spool))
        yield from reader.batches(again, lines_max=rows_max)
        numbers = _Lines(self._skipped + 2, spans, self._blank)
        self._connection.execute(f"SELECT * FROM {self._relation(self._lines_max)}")
        while found := self._connection.fetchmany(rows_max):
            yield Batch(
                rows=[
                    Row(
                        line=numbers.next(values),
                        values=dict(zip(self.columns, values, strict=True)),
                    )
                    for values in found
                ]
            )
        reader.forget_rejects(self._connection)

    def scan(self) -> Scan:
        return Scan(
            connection=self._connection,
            relation=self._relation(None, is_rough=True),
            cells={name: reader.identifier(name) for name in self.columns},
        )

    def count(self, *, key: str) -> Counted:
        with reader.counting(self._connection):
            rows, used = reader.count(
                self._connection,
                "count(*)",
                reader.is_there(reader.identifier(key)),
                relation=self._relation(self._lines_max, is_rough=True),
            )
            found = reader.refused(self._connection, self._spool, lines_max=self._lines_max)
        skipped = reader.reasons(found)
        skipped[RejectReason.NO_IDENTIFIER] = rows - used
        return Counted(rows=rows, skipped=+skipped)

    def _check(self) -> reader.Refused:
        try:
            return self._rejected()
        except duckdb.InvalidInputException:
            raise UsageError(
                f"{self._spool.origin.name} cannot be read with delimiter"
                f" {self._format.delimiter!r} and quote {self._format.quote!r}: declare `format:`"
            ) from None

    def _rejected(self) -> reader.Refused:
        """Counting every column makes DuckDB look at every cell."""
        counts = ", ".join(f"count({reader.identifier(name)})" for name in self.columns)
        self._connection.execute(
            f"SELECT {counts} FROM {self._relation(self._lines_max)}"
        ).fetchall()
        return reader.refused(self._connection, self._spool, lines_max=self._lines_max)

    def _relation(self, lines_max: int | None, *, is_rough: bool = False) -> str:
        options = {
            "delim": reader.literal(self._format.delimiter),
            "quote": reader.literal(self._format.quote),
            "escape": reader.literal(self._format.quote),
            "header": "true",
            "skip": str(self._skipped),
        }
        return reader.text_scan(
            self._spool.path, self.columns, options, lines_max=lines_max, is_rough=is_rough
        )


class _Lines:
    """The line on which each row starts: rows, unreadable and blank lines follow each other.

    A line break within a value is part of its row, so that only true blank lines are ever met.
    """

    def __init__(self, first: int, spans: dict[int, int], blank: frozenset[int]) -> None:
        self._line = first
        self._spans = spans
        self._blank = blank

    def next(self, values: tuple[str | None, ...]) -> int:
        while True:
            if self._line in self._blank:
                self._line += 1
            elif self._line in self._spans:
                self._line += self._spans[self._line]
            else:
                break
        line = self._line
        self._line += 1 + sum(value.count("\n") for value in values if value)
        return line


@contextmanager
def open_csv(
    path: Path, format_: FileFormat, *, lines_max: int = reader.REJECTED_LINES_MAX
) -> Iterator[CsvTable]:
    """Raises UsageError when it is not such a file at all; lines_max are refused at most."""
    with spooled(path, format_.encoding) as (spool, survey), reader.connect() as connection:
        yield CsvTable(connection, spool, survey, format_, lines_max=lines_max)


def _header(spool: Spooled, format_: FileFormat) -> tuple[int, tuple[str, ...]]:
    """How many blank lines come first, and the names of the columns."""
    with spool.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        begins = file.read(HEADER_CHARS_MAX)
    rows = standard_csv.reader(
        StringIO(begins, newline=""), delimiter=format_.delimiter, quotechar=format_.quote
    )
    blank = 0
    try:
        for names in rows:
            if names and len(begins) == HEADER_CHARS_MAX and "\n" not in begins:
                break
            if names:
                return blank, _named(names, spool.origin)
            blank += 1
    except standard_csv.Error:
        pass
    raise UsageError(
        f"{spool.origin.name} has no header line within its first {len(begins):,} characters;"
        " it must be text that begins with the names of its columns, one record a line"
    )


def _named(names: list[str], origin: Path) -> tuple[str, ...]:
    try:
        "".join(names).encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"the header of {origin.name} is not UTF-8; declare format: {{encoding: latin-1}}"
        ) from None
    if any(ord(character) < ord(" ") and not character.isspace() for character in "".join(names)):
        raise UsageError(
            f"the header of {origin.name} holds control characters; is it a text file?"
        )
    lowered = [name.strip().lower() for name in names]
    for name, low in zip(names, lowered, strict=True):
        if not low or lowered.count(low) > 1:
            raise UsageError(f"{origin.name}: every column needs a name of its own; see {name!r}")
    return tuple(name.strip() for name in names)
