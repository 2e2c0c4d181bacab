"""How much of a machine the embedded database keeps pages in."""

import pytest

from services.identity.adapters.embedded.server import buffers

GIGABYTE = 1 << 30


@pytest.mark.parametrize(
    ("machine", "kept"),
    [(GIGABYTE // 4, "128MB"), (8 * GIGABYTE, "2048MB"), (64 * GIGABYTE, "4096MB")],
)
def test_a_quarter_within_bounds(machine: int, kept: str) -> None:
    assert buffers(machine) == kept
