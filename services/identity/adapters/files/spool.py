"""A text file as DuckDB can read it: UTF-8, one kind of line end, a plain name.

Most files are read where they lie, through a link. Others are written once to a temporary file,
piece by piece: other encodings, gzip, and line ends that change within the file.
"""

import errno
import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import numpy as np

from services.identity.domain.errors import UsageError

PIECE_CHARS = 1 << 20
_CONTROL_SHARE_MAX = 0.01  # of a piece; text has none of the first nine bytes
_PIECE_TELLS_MIN = 1024
BLANK_LINES_MAX = 1_000_000  # their numbers are held; a file of blank lines is no table
_UTF_8 = frozenset({"utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii"})
_BLANK = (b"", b"\r")  # what stands before the newline of a blank line
_COMPRESSED = "is compressed; unpack it, or write it as gzip and name it .gz"
_OTHER_FILES = (
    (b"\x1f\x8b", "is compressed with gzip; name it .gz behind its other ending"),
    (b"PK\x03\x04", "is a ZIP archive or a spreadsheet; save it as CSV"),
    (b"BZh", _COMPRESSED),
    (b"\x28\xb5\x2f\xfd", _COMPRESSED),
    (b"\xfd7zXZ", _COMPRESSED),
    (b"PAR1", "is a Parquet file; name it .parquet"),
    (b"\xff\xfe", "is UTF-16; declare format: {encoding: utf-16}"),
    (b"\xfe\xff", "is UTF-16; declare format: {encoding: utf-16}"),
)
_KEEP = "surrogateescape"  # bytes that the encoding does not have stay what they are


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """A readable copy of `origin` or a link to it, and the encoding the original has."""

    path: Path
    origin: Path
    encoding: str

    def original(self, raw: bytes) -> bytes:
        """Bytes of the copy as the original has them."""
        if self.encoding in _UTF_8:
            return raw
        return raw.decode("utf-8", _KEEP).encode(self.encoding, _KEEP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What one pass over the lines tells: which are blank, how they end."""

    blank: frozenset[int]
    has_mixed_ends: bool


class _Surveyor:
    """Looks at a file piece by piece: a line may be as long as the file."""

    def __init__(self) -> None:
        self.blank: set[int] = set()
        self.windows = self.stray = 0
        self._newlines = 0
        self._starts_line = True

    @property
    def has_mixed_ends(self) -> bool:
        return bool(self.stray) or bool(self.windows and self._newlines > self.windows)

    def add(self, piece: bytes) -> None:
        """A piece that does not end between a carriage return and its newline."""
        if not piece:
            return
        has_blank = _count(piece, b"\n\n") > 0
        if b"\r" in piece:
            windows = _count(piece, b"\r\n")
            self.windows += windows
            self.stray += _count(piece, b"\r") - windows
            has_blank = has_blank or (_count(piece, b"\n\r") > 0 and b"\n\r\n" in piece)
        if has_blank or (self._starts_line and piece.startswith((b"\n", b"\r\n"))):
            self._add_blank(piece)
        self._newlines += _count(piece, b"\n")
        self._starts_line = piece.endswith(b"\n")

    def _add_blank(self, piece: bytes) -> None:
        *whole, _ = piece.split(b"\n")
        for place, line in enumerate(whole):
            if line in _BLANK and (place or self._starts_line):
                self.blank.add(self._newlines + 1 + place)


def _count(piece: bytes, wanted: bytes) -> int:
    """How often one byte or two stand there: `bytes.count` takes ten times as long.

    Two alike that overlap count each time.
    """
    width = len(wanted)
    number = np.dtype(f"u{width}")
    views = (np.frombuffer(piece, number, (len(piece) - at) // width, at) for at in range(width))
    return sum(int(np.count_nonzero(view == np.frombuffer(wanted, number))) for view in views)


def _is_binary(piece: bytes) -> bool:
    controls = int(np.count_nonzero(np.frombuffer(piece, np.uint8) < ord("\t")))
    return len(piece) >= _PIECE_TELLS_MIN and controls > _CONTROL_SHARE_MAX * len(piece)


def survey(spool: Spooled, *, blank_max: int = BLANK_LINES_MAX) -> Survey:
    """Raises UsageError for a file of blank lines, or where it is no text."""
    surveyor = _Surveyor()
    with spool.path.open("rb") as file:
        held = b""
        while piece := file.read(PIECE_CHARS):
            if _is_binary(piece):
                raise UsageError(
                    f"{spool.origin.name} is no text file: bytes within are of a program, a picture"
                    " or a database"
                )
            text = held + piece
            held = b"\r" if text.endswith(b"\r") else b""
            surveyor.add(text.removesuffix(held))
            if len(surveyor.blank) > blank_max:
                raise UsageError(
                    f"{spool.origin.name} has more than {blank_max:,} blank lines; leave them out"
                )
        surveyor.add(held)
    return Survey(blank=frozenset(surveyor.blank), has_mixed_ends=surveyor.has_mixed_ends)


@contextmanager
def spooled(path: Path, encoding: str) -> Iterator[tuple[Spooled, Survey]]:
    """Raises UsageError when the encoding has no such name or the file is another kind of file."""
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    named = encoding.lower().replace("_", "-")
    if named in _UTF_8:
        _check_text(path)
    with TemporaryDirectory(prefix="plait-load-") as folder:
        target = Path(folder) / "input"  # DuckDB reads `*`, `?` and `[` in a name as a pattern
        if named in _UTF_8 and path.suffix != ".gz":
            target.symlink_to(path.resolve())
        else:
            _copy(path, target, encoding=named, plain_line_ends=False)
        spool = Spooled(path=target, origin=path, encoding=named)
        looks = survey(spool)
        if looks.has_mixed_ends:  # DuckDB then loses rows without a word
            yield with_plain_line_ends(spool), looks
        else:
            yield spool, looks


def _check_text(path: Path) -> None:
    """Raises UsageError for files that are known by their first bytes to be no plain text."""
    with path.open("rb") as file:
        begins = file.read(8)
    for known, told in _OTHER_FILES:
        if begins.startswith(known) and not (known == b"\x1f\x8b" and path.suffix == ".gz"):
            raise UsageError(f"{path.name} {told}")


def with_plain_line_ends(spool: Spooled) -> Spooled:
    """A copy whose lines all end in a newline; a carriage return inside a line becomes a space."""
    target = spool.path.with_name("plain")
    _copy(spool.path, target, encoding="utf-8", plain_line_ends=True)
    return Spooled(path=target, origin=spool.origin, encoding=spool.encoding)


def _copy(source: Path, target: Path, *, encoding: str, plain_line_ends: bool) -> None:
    try:
        with (
            _open(source, encoding) as reading,
            target.open("w", encoding="utf-8", errors=_KEEP, newline="") as writing,
        ):
            held = ""
            while piece := reading.read(PIECE_CHARS):
                text = held + piece
                held = "\r" if plain_line_ends and text.endswith("\r") else ""
                text = text.removesuffix(held)
                if plain_line_ends:
                    text = text.replace("\r\n", "\n").replace("\r", " ")
                writing.write(text)
    except LookupError:
        raise UsageError(f"there is no encoding {encoding!r}; say utf-8, latin-1, ...") from None
    except UnicodeError:
        raise UsageError(f"{source.name} is not {encoding}; declare format: encoding") from None
    except (gzip.BadGzipFile, EOFError):
        raise UsageError(f"{source.name} is not a whole gzip file") from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise UsageError(
            f"there is no room in {target.parent.parent} for a readable copy of {source.name};"
            " set TMPDIR to a larger disk"
        ) from None


def _open(path: Path, encoding: str) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding=encoding, errors=_KEEP, newline="")
    return path.open(encoding=encoding, errors=_KEEP, newline="")
