"""How much of a machine the embedded database keeps pages in."""

import pytest

from services.identity.adapters.embedded.server import buffers

GIGABYTE = 1 << 30


@pytest.mark.parametrize(
    ("machine", "kept"),
    [(GIGABYTE // 2, "128MB"), (8 * GIGABYTE, "1024MB"), (64 * GIGABYTE, "2048MB")],
)
def test_an_eighth_within_bounds(machine: int, kept: str) -> None:
    assert buffers(machine) == kept
