"""Giving memory back that work of many megabytes has left behind.

glibc keeps what is freed, up to 64 MB at the top of its heap and any hole below; Arrow's pool does
the same. In training, stage after stage found its own: a quarter of what the process held.
"""

import ctypes

import pyarrow as pa


def give_back() -> None:
    """To the system, all that is free; some milliseconds."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc only
    if trim is not None:
        trim(0)
