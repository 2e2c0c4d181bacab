"""JSON lines: read as lines of text, so that a broken one is refused and never half read."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import msgspec

from services.identity.adapters.files import reader
from services.identity.adapters.files.rows import (
    REJECT_BYTES_MAX,
    Batch,
    Counted,
    Reject,
    Row,
    Scan,
)
from services.identity.adapters.files.spool import Spooled, spooled
from services.identity.domain.errors import RejectReason
from services.identity.domain.mapping import FileFormat

_LINE = ("line",)
_OPTIONS = {"delim": "chr(31)", "quote": "''", "escape": "''", "header": "false"}
# chr(31) cannot stand in JSON, so that a line is always one cell
_COLUMNS = """
SELECT DISTINCT unnest(json_keys(CASE WHEN json_valid(line) THEN line END)) AS name
FROM {scan} ORDER BY name
"""
_IS_OBJECT = "(CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' END)"
_WHOLE = "a line must be whole JSON; mend it"
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)


class JsonlTable:
    def __init__(
        self, connection: duckdb.DuckDBPyConnection, spool: Spooled, *, lines_max: int
    ) -> None:
        self._connection = connection
        self._spool = spool
        self._lines_max = lines_max
        found = connection.execute(_COLUMNS.format(scan=self._relation(lines_max))).fetchall()
        self.columns = tuple(name for (name,) in found)
        self._refused = reader.refused(connection, spool, lines_max=lines_max)

    def read(self, *, rows_max: int) -> Iterator[Batch]:
        """The lines that are no text first, then the rows, with those that are no JSON object."""
        refused = {each.line for each in self._no_text()}
        yield from reader.batches(self._no_text(), lines_max=rows_max)
        line = 0
        self._connection.execute(f"SELECT line FROM {self._relation(self._lines_max)}")
        while found := self._connection.fetchmany(rows_max):
            batch = Batch()
            for (text,) in found:
                line += 1
                while line in refused:
                    line += 1
                self._add(batch, line, text)
            yield batch
        reader.forget_rejects(self._connection)

    def scan(self) -> Scan:
        return Scan(
            connection=self._connection,
            relation=f"(SELECT line FROM {self._relation(None)} WHERE {_IS_OBJECT})",
            cells={name: _cell(name) for name in self.columns},
        )

    def count(self, *, key: str) -> Counted:
        """A line that is no text was refused when the table was opened."""
        with reader.counting(self._connection):
            rows, others, broken, used = reader.count(
                self._connection,
                f"count(*) FILTER ({_IS_OBJECT})",
                f"count(*) FILTER (json_valid(line) AND NOT {_IS_OBJECT})",
                "count(*) FILTER (NOT json_valid(line) AND trim(line) <> '')",
                reader.is_there(f"CASE WHEN {_IS_OBJECT} THEN {_cell(key)} END"),
                relation=self._relation(None),
            )
        skipped = Counter(each.reason for each in self._no_text())
        skipped[RejectReason.NOT_AN_OBJECT] += others
        skipped[RejectReason.BROKEN_JSON] += broken
        skipped[RejectReason.NO_IDENTIFIER] += rows - used
        return Counted(rows=rows, skipped=+skipped)

    def _no_text(self) -> Iterator[Reject]:
        return (_no_json(each) for each, _ in reader.rejects(self._refused, self._spool))

    def _add(self, batch: Batch, line: int, text: str | None) -> None:
        if text is None or not text.strip():
            return  # a blank line says nothing
        try:
            batch.rows.append(Row(line=line, values=_values(text)))
        except msgspec.ValidationError:
            batch.rejects.append(
                self._reject(line, text, RejectReason.NOT_AN_OBJECT, "a line must be one {...}")
            )
        except (msgspec.DecodeError, RecursionError):
            batch.rejects.append(self._reject(line, text, RejectReason.BROKEN_JSON, _WHOLE))

    def _reject(self, line: int, text: str, reason: RejectReason, detail: str) -> Reject:
        raw = self._spool.original(text.encode()[:REJECT_BYTES_MAX])
        return Reject(line=line, raw=raw, reason=reason, detail=detail)

    def _relation(self, lines_max: int | None) -> str:
        return reader.text_scan(
            self._spool.path, _LINE, _OPTIONS, lines_max=lines_max, is_rough=lines_max is None
        )


def _cell(name: str) -> str:
    """A JSON pointer: in a path a quote within the name would end it."""
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    return f"nullif(json_extract_string(line, {reader.literal(pointer)}), '')"


def _no_json(found: Reject) -> Reject:
    """Only the encoding and the size of a line are DuckDB's to judge here."""
    if found.reason is not RejectReason.TORN_LINE:
        return found
    return replace(found, reason=RejectReason.BROKEN_JSON, detail=_WHOLE)


def _values(text: str) -> dict[str, str | None]:
    """Text as it is, null as None, everything else as it was written."""
    return {name: _text(bytes(raw)) for name, raw in _OBJECT.decode(text).items()}


def _text(raw: bytes) -> str | None:
    if raw.startswith(b'"'):
        return _TEXT.decode(raw) or None
    return None if raw == b"null" else raw.decode()


@contextmanager
def open_jsonl(
    path: Path, format_: FileFormat, *, lines_max: int = reader.REJECTED_LINES_MAX
) -> Iterator[JsonlTable]:
    """Raises UsageError when it is not a text file at all; lines_max are refused at most."""
    with spooled(path, format_.encoding) as (spool, _), reader.connect() as connection:
        yield JsonlTable(connection, spool, lines_max=lines_max)
