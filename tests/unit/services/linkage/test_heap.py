"""What is free goes back to the system, though something stands above it."""

from pathlib import Path

from services.linkage.heap import give_back

PIECE = 60_000  # bytes: more than Python keeps itself, less than the system maps by itself


def resident() -> int:
    """In KB."""
    return int(Path("/proc/self/smaps_rollup").read_text().split("Rss:")[1].split()[0])


def test_what_lies_free_below_what_lives_is_given_back() -> None:
    pieces = [bytes(bytearray(b"x" * PIECE)) for _ in range(1_000)]
    last = pieces[-1]
    del pieces
    held = resident()
    give_back()
    assert held - resident() > 40_000
    assert len(last) == PIECE
