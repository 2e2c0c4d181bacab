"""DuckDB as a reader of files: everything declared, nothing guessed, what it refuses kept."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from services.identity.adapters.files.rows import REJECT_BYTES_MAX, Batch, Reject
from services.identity.adapters.files.spool import Spooled
from services.identity.domain.errors import RejectReason, UsageError

LINE_BYTES_MAX = 8 * 1024 * 1024
ROUGH_LINE_BYTES_MAX = 1024 * 1024  # where no line is kept that is refused
REJECTED_LINES_MAX = 200_000  # where each begins is held; of more, the format is declared wrong
COUNTING_MEMORY = "320MB"
REJECTS_BYTES_MAX = 8 * 1024 * 1024  # of one batch of refused lines

Refused = Sequence[tuple[int, str, int]]
"""Of every refused line where it begins, why, and how long it is."""
_REJECTED = """
SELECT line_byte_position - 1, any_value(error_type), any_value(octet_length(encode(csv_line)))
FROM reject_errors GROUP BY line_byte_position ORDER BY line_byte_position
"""
_FORGET = "DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans"
_TORN = "the line does not have the cells of the header, or a quote in it never ends; mend it"
_DETAILS = {
    "INVALID ENCODING": (
        RejectReason.BAD_ENCODING,
        "the line is not in the declared encoding; declare it: format: {encoding: latin-1}",
    ),
    "LINE SIZE OVER MAXIMUM": (RejectReason.TOO_LARGE, "the line is too long to be one row"),
}


def connect() -> duckdb.DuckDBPyConnection:
    """In memory, one thread: rows come in file order. Times are told in UTC.

    Without its progress bar, which would stand in what a command prints.
    """
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def text_scan(
    path: Path,
    columns: tuple[str, ...],
    options: dict[str, str],
    *,
    lines_max: int | None,
    is_rough: bool = False,
) -> str:
    """The FROM clause that reads a text file with every column declared as text.

    One more than lines_max of the lines that it refuses are kept; without lines_max none. A rough
    reading refuses lines that are far too long for a row before it has read them.
    """
    declared = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in columns)
    extra = "".join(f", {name} = {value}" for name, value in options.items())
    if lines_max is None:
        refused = "ignore_errors = true"
    else:
        refused = f"store_rejects = true, rejects_limit = {lines_max + 1}"
    line_bytes_max = ROUGH_LINE_BYTES_MAX if is_rough else LINE_BYTES_MAX
    return (
        f"read_csv({literal(str(path))}, auto_detect = false, columns = {{{declared}}},"
        f" {refused}, max_line_size = {line_bytes_max}, buffer_size = {4 * line_bytes_max}{extra})"
    )


def forget_rejects(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(_FORGET)


def refused(connection: duckdb.DuckDBPyConnection, spool: Spooled, *, lines_max: int) -> Refused:
    """Where the scan before this refused lines. Raises UsageError when these are too many."""
    counted = connection.execute("SELECT count(*) FROM reject_errors").fetchone()
    found = connection.execute(_REJECTED).fetchall()
    forget_rejects(connection)
    if counted is not None and counted[0] > lines_max:
        raise UsageError(
            f"more than {lines_max:,} lines of {spool.origin.name} cannot be read as rows; are"
            " delimiter, quote and encoding right? Declare them under `format:` of the mapping"
        )
    return found


def reasons(found: Refused) -> Counter[RejectReason]:
    """How many lines were refused for what."""
    return Counter(
        _DETAILS.get(error_type, (RejectReason.TORN_LINE, _TORN))[0] for _, error_type, _ in found
    )


@contextmanager
def counting(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Raises UsageError when the file is not written as its format says."""
    connection.execute("SET memory_limit = ?", [COUNTING_MEMORY])
    try:
        yield
    except (duckdb.InvalidInputException, duckdb.OutOfMemoryException):
        raise UsageError(
            "the file cannot be read with the delimiter and the quote of its mapping: declare"
            " `format:`"
        ) from None
    finally:
        connection.execute("RESET memory_limit")


def count(connection: duckdb.DuckDBPyConnection, *counts: str, relation: str) -> list[int]:
    """Some aggregates that are numbers. Read to the end: only then is known what was refused."""
    (row,) = connection.execute(f"SELECT {', '.join(counts)} FROM {relation}").fetchall()
    return [int(each) for each in row]


def is_there(cell: str) -> str:
    """SQL that counts the rows in which this cell has a value."""
    return f"count(nullif(trim({cell}), ''))"


def rejects(found: Refused, spool: Spooled) -> Iterator[tuple[Reject, int]]:
    """What was refused, read again, and how many lines each takes, in file order."""
    with spool.path.open("rb") as file:
        at, line = 0, 1
        for start, error_type, size in found:
            line += _newlines(file, start - at)
            raw = file.read(size)
            rest = b"" if raw.endswith(b"\n") else file.readline(REJECT_BYTES_MAX)
            at = start + len(raw) + len(rest)
            whole = raw + rest
            body = whole.lstrip(b"\r\n")  # blank lines before it count to it
            line += whole.count(b"\n", 0, len(whole) - len(body))
            span = max(1, body.count(b"\n"))
            reason, detail = _DETAILS.get(error_type, (RejectReason.TORN_LINE, _TORN))
            kept = spool.original(body.rstrip(b"\r\n")[:REJECT_BYTES_MAX])
            yield Reject(line=line, raw=kept, reason=reason, detail=detail), span
            line += body.count(b"\n")


def batches(rejects: Iterable[Reject], *, lines_max: int) -> Iterator[Batch]:
    """As many at a time as may be held."""
    some: list[Reject] = []
    size = 0
    for each in rejects:
        some.append(each)
        size += len(each.raw)
        if len(some) == lines_max or size > REJECTS_BYTES_MAX:
            yield Batch(rejects=some)
            some, size = [], 0
    if some:
        yield Batch(rejects=some)


def _newlines(file: Any, count: int) -> int:  # noqa: ANN401  # a binary file of any kind
    """How many lines end within the next `count` bytes; reads them."""
    lines = 0
    while count > 0:
        piece = file.read(min(count, LINE_BYTES_MAX))
        if not piece:
            break
        lines += piece.count(b"\n")
        count -= len(piece)
    return lines
