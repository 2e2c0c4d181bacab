"""A text file as DuckDB can read it: UTF-8, one kind of line end, a plain name.

Most files are read where they lie, through a link. Others are written once to a temporary file,
piece by piece: other encodings, gzip, and line ends that change within the file.
"""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from services.identity.domain.errors import UsageError

PIECE_CHARS = 1 << 20
_UTF_8 = frozenset({"utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii"})
_BLANK = (b"\n", b"\r\n")
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
    """What one pass over the lines tells: how many there are, which are blank, how they end."""

    lines: int
    blank: frozenset[int]
    has_mixed_ends: bool


def survey(spool: Spooled) -> Survey:
    lines = plain = windows = stray = 0
    blank: list[int] = []
    with spool.path.open("rb") as file:
        for lines, line in enumerate(file, 1):  # after the loop it is the last
            if line.endswith(b"\r\n"):
                windows += 1
                stray += line.count(b"\r") - 1
            else:
                plain += line.endswith(b"\n")
                stray += line.count(b"\r")
            if line in _BLANK:
                blank.append(lines)
    return Survey(
        lines=lines,
        blank=frozenset(blank),
        has_mixed_ends=bool(stray) or bool(plain and windows),
    )


@contextmanager
def spooled(path: Path, encoding: str) -> Iterator[tuple[Spooled, Survey]]:
    """Raises UsageError when the encoding has no such name or the file is not gzip."""
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    named = encoding.lower().replace("_", "-")
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


def _open(path: Path, encoding: str) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding=encoding, errors=_KEEP, newline="")
    return path.open(encoding=encoding, errors=_KEEP, newline="")
