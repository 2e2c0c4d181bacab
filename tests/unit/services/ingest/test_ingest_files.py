"""Files are read whole: every line is a row, or is kept with its reason and its place."""

import csv
import gzip
import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.identity.adapters.files import spool
from services.identity.adapters.files.csv import open_csv
from services.identity.adapters.files.jsonl import open_jsonl
from services.identity.adapters.files.parquet import open_parquet
from services.identity.adapters.files.reader import batches
from services.identity.adapters.files.rows import Reject, Row, Table
from services.identity.adapters.files.spool import Spooled
from services.identity.domain.errors import RejectReason, UsageError
from services.identity.domain.mapping import FileFormat

Open = Callable[[Path, FileFormat], AbstractContextManager[Table]]
TORN = RejectReason.TORN_LINE


def read(
    folder: Path,
    raw: bytes,
    opened: Open = open_csv,
    *,
    name: str = "in.csv",
    encoding: str = "utf-8",
    delimiter: str = ",",
) -> tuple[list[Row], list[Reject]]:
    path = folder / name
    path.write_bytes(raw)
    rows: list[Row] = []
    rejects: list[Reject] = []
    with opened(path, FileFormat(encoding=encoding, delimiter=delimiter)) as table:
        for batch in table.read(rows_max=2):
            rows.extend(batch.rows)
            rejects.extend(batch.rejects)
    return rows, rejects


def told(rows: list[Row]) -> list[tuple[int, list[str | None]]]:
    return [(row.line, list(row.values.values())) for row in rows]


def test_rows_and_rejects_of_a_messy_file_have_their_lines(tmp_path: Path) -> None:
    raw = (
        b'id,name,city\n1,Ann,"Par\nis"\n2,Bob\n3,"x""y",Rome\n\n4,J\xe9,Lyon\n5,too,many,cols\n'
        b'6,ok,ok\n7,a"b,c\n9,,""\n10,tail,"unterm'
    )
    rows, rejects = read(tmp_path, raw)
    assert told(rows) == [
        (2, ["1", "Ann", "Par\nis"]),
        (5, ["3", 'x"y', "Rome"]),
        (9, ["6", "ok", "ok"]),
        (10, ["7", 'a"b', "c"]),
        (11, ["9", None, None]),
    ]
    assert [(each.line, each.raw, each.reason) for each in rejects] == [
        (4, b"2,Bob", TORN),
        (7, b"4,J\xe9,Lyon", RejectReason.BAD_ENCODING),
        (8, b"5,too,many,cols", TORN),
        (12, b'10,tail,"unterm', TORN),
    ]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"id,n\r\n1,a\r\n2,b\r\n3,c", id="windows"),
        pytest.param(b"id,n\r\n1,a\n2,b\r\n3,c\n", id="mixed, first windows"),
        pytest.param(b"id,n\n1,a\r\n2,b\r\n3,c\n", id="mixed, first unix"),
        pytest.param(b"\xef\xbb\xbfid,n\n1,a\n2,b\n3,c\n", id="byte order mark"),
        pytest.param(b"id,n\n1,a\n2,b\n3,c\n\n\n", id="blank at the end"),
        pytest.param(b'"id","n"\n"1","a"\n"2","b"\n"3","c"\n', id="quoted"),
    ],
)
def test_how_lines_end_changes_no_row(tmp_path: Path, raw: bytes) -> None:
    rows, rejects = read(tmp_path, raw)
    assert told(rows) == [(2, ["1", "a"]), (3, ["2", "b"]), (4, ["3", "c"])]
    assert rejects == []


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "UTF_8"])
def test_a_declared_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    raw = "id;n\n1;Müller\n2;Köln\n".encode(encoding)
    rows, rejects = read(tmp_path, raw, encoding=encoding, delimiter=";")
    assert (told(rows), rejects) == ([(2, ["1", "Müller"]), (3, ["2", "Köln"])], [])


def test_latin_1_read_as_utf_8_says_what_to_declare(tmp_path: Path) -> None:
    rows, rejects = read(tmp_path, "id,n\n1,Müller\n2,x\n3,Köln\n".encode("latin-1"))
    assert told(rows) == [(3, ["2", "x"])]
    assert [(each.line, each.reason) for each in rejects] == [
        (2, RejectReason.BAD_ENCODING),
        (4, RejectReason.BAD_ENCODING),
    ]
    assert "latin-1" in rejects[0].detail


def test_a_reject_keeps_the_bytes_of_the_original_encoding(tmp_path: Path) -> None:
    _, rejects = read(tmp_path, "id,n\n1,Müller,x\n".encode("latin-1"), encoding="latin-1")
    assert [each.raw for each in rejects] == ["1,Müller,x".encode("latin-1")]


def test_a_zipped_file_with_an_odd_name_is_read(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, gzip.compress(b"id,n\n1,a\n"), name="in [1]*.csv.gz")
    assert told(rows) == [(2, ["1", "a"])]


@pytest.mark.parametrize(
    ("raw", "encoding", "says"),
    [
        pytest.param(b"", "utf-8", "no header", id="empty"),
        pytest.param(b"id,ID\n1,2\n", "utf-8", "name of its own", id="twice the same column"),
        pytest.param(b"id,\n1,2\n", "utf-8", "name of its own", id="a column without a name"),
        pytest.param(b"id,n\xe9\n", "utf-8", "latin-1", id="a header in latin-1"),
        pytest.param(b"id\n", "klingon", "no encoding", id="no such encoding"),
        pytest.param(b"\x1f\x8b\x08\0rest", "utf-8", "gzip; name it .gz", id="gzip named csv"),
        pytest.param(b"PK\x03\x04rest", "utf-8", "save it as CSV", id="a spreadsheet"),
        pytest.param(b"PAR1rest", "utf-8", "name it .parquet", id="parquet named csv"),
        pytest.param("id\n1\n".encode("utf-16"), "utf-8", "utf-16", id="utf-16 undeclared"),
        pytest.param(b"\x7fELF\x02\x01\n\0,\1\n", "utf-8", "is it a text file", id="a program"),
        pytest.param(b"id\n1\n" + bytes(range(256)) * 8, "utf-8", "no text", id="binary"),
        pytest.param(bytes(4_096), "utf-8", "no text", id="zeros"),
        pytest.param(b"a" * 1_200_000, "utf-8", "no header line", id="one line without an end"),
        pytest.param(b"a,b," * 300_000, "utf-8", "no header line", id="one line of many cells"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_says_why(
    tmp_path: Path, raw: bytes, encoding: str, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        read(tmp_path, raw, encoding=encoding)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"id,name\n" + b"1,2,3\n" * 20, id="ragged rows"),
        pytest.param(b"id,name\n" + b"1;2\n" * 20, id="another delimiter below the header"),
        pytest.param(b"id,name\n" + b"\xff\xfe\x00,\xc0\n" * 20, id="garbage"),
    ],
)
def test_a_file_of_lines_that_are_no_rows_is_refused_as_a_whole(tmp_path: Path, raw: bytes) -> None:
    assert len(read(tmp_path, raw)[1]) == 20
    opened = open_csv(tmp_path / "in.csv", FileFormat(), lines_max=10)
    with opened as table, pytest.raises(UsageError, match="more than 10 lines"):
        next(iter(table.read(rows_max=5)))


def test_json_lines_that_are_no_text_are_bounded(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b'{"a":"\xff"}\n' * 20)
    opened = open_jsonl(tmp_path / "in.jsonl", FileFormat(), lines_max=10)
    with pytest.raises(UsageError, match="more than 10 lines"), opened:
        pass


def test_blank_lines_are_found_across_pieces_and_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = b"id,name\r\n\r\n1,a\r\n\r\n\r\n2,b\r\n"
    for size in (1, 2, 3, 7):
        monkeypatch.setattr(spool, "PIECE_CHARS", size)
        rows, _ = read(tmp_path, raw)
        assert [row.line for row in rows] == [3, 6]
    link = Spooled(path=tmp_path / "in.csv", origin=tmp_path / "in.csv", encoding="utf-8")
    assert spool.survey(link).blank == {2, 4, 5}
    with pytest.raises(UsageError, match="blank lines"):
        spool.survey(link, blank_max=2)


def test_refused_lines_come_in_batches_of_bounded_bytes() -> None:
    refused = Reject(line=1, raw=b"x" * 3_000_000, reason=TORN, detail="")
    found = [len(each.rejects) for each in batches([refused] * 7, lines_max=100)]
    assert found == [3, 3, 1]


def test_json_lines_are_whole_or_refused(tmp_path: Path) -> None:
    raw = (
        b'{"a":1.10,"b":"x,y\\"z","c":null,"d":""}\r\n\n{"a":\n{"a":"\xff"}\n[1]\n{"a":"\x1f"}\n'
        b'{"a":{"q":[1,2]},"e":123456789012345678901234567890}\n{"t":"to'
    )
    rows, rejects = read(tmp_path, raw, open_jsonl)
    assert [(row.line, row.values) for row in rows] == [
        (1, {"a": "1.10", "b": 'x,y"z', "c": None, "d": None}),
        (7, {"a": '{"q":[1,2]}', "e": "123456789012345678901234567890"}),
    ]
    assert sorted((each.line, each.reason.value) for each in rejects) == [
        (3, "broken_json"),
        (4, "bad_encoding"),
        (5, "not_an_object"),
        (6, "broken_json"),
        (8, "broken_json"),
    ]


def test_parquet_is_told_as_text(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT 1 AS id, 1.50::DECIMAL(4, 2) AS price, TIMESTAMP '2026-01-01 10:00' AS"
            f" at, {{'q': [1, 2]}} AS nested, '' AS empty, NULL::INT AS none) TO '{path}'"
        )
    with open_parquet(path) as table:
        (batch,) = table.read(rows_max=5)
    (row,) = batch.rows
    assert row.values == {
        "id": "1",
        "price": "1.50",
        "at": "2026-01-01 10:00:00",
        "nested": '{"q":[1,2]}',
        "empty": None,
        "none": None,
    }
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UsageError, match="whole Parquet"), open_parquet(path):
        pass


CELL = st.text(st.sampled_from('ab," \n\r;é李'), max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELL, CELL, CELL), max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_what_a_csv_writer_wrote_is_read_back(
    rows: list[tuple[str, str, str]], line_end: str
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows([("x", "y", "z"), *rows])
    with TemporaryDirectory() as folder:
        found, rejects = read(Path(folder), text.getvalue().encode())
    expected = [[_plain(cell, text.getvalue()) for cell in row] for row in rows]
    assert [list(row.values.values()) for row in found] == expected
    assert rejects == []


def _plain(cell: str, text: str) -> str | None:
    """Where line ends change within the file, they are made plain, within cells too."""
    crlf = text.count("\r\n")
    is_mixed = text.count("\r") > crlf or (crlf and text.count("\n") > crlf)
    return (cell.replace("\r\n", "\n").replace("\r", " ") if is_mixed else cell) or None


DAMAGE = st.sampled_from(["none", "none", "short", "long", "latin-1"])


@settings(max_examples=60, deadline=None)
@given(st.lists(DAMAGE, max_size=10), st.integers(0, 8))
def test_each_damaged_line_is_kept_with_its_number_and_the_rest_is_read(
    damages: list[str], torn: int
) -> None:
    shapes = {"none": b"%d,a,b", "short": b"%d,a", "long": b"%d,a,b,c", "latin-1": b"%d,\xe9,b"}
    lines = [shapes[each] % number for number, each in enumerate(damages)]
    whole = b"\n".join([b"x,y,z", *lines]) + b"\n"
    cut = b"99,a,b"[:torn]
    with TemporaryDirectory() as folder:
        rows, rejects = read(Path(folder), whole + cut)
    good = [n for n, each in enumerate(damages) if each == "none"]
    good_lines = [(n + 2, str(n)) for n in good]
    bad_lines = [(n + 2, lines[n]) for n, each in enumerate(damages) if each != "none"]
    if cut.count(b",") == 2:
        good_lines.append((len(lines) + 2, "99"))
    elif cut:
        bad_lines.append((len(lines) + 2, cut))
    assert [(row.line, row.values["x"]) for row in rows] == good_lines
    assert [(each.line, each.raw) for each in rejects] == bad_lines
