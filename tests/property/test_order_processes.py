"""Invariant 1 across processes: no set's order, which differs from run to run, may show."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _hashes(hash_seed: int) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.property.hashes"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        check=True,
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.stdout.splitlines()


@pytest.mark.slow
def test_the_hash_is_one_whatever_a_process_hashes_strings_to() -> None:
    first = _hashes(1)
    assert len(first) > 30
    assert _hashes(2) == first
