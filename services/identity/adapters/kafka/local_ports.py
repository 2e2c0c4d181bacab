"""Ports for the local broker: the same at every start, below those that the system hands out.

A port from the system's own range could be given to somebody's outgoing connection while the
broker is down (even to its clients', which then connect to themselves), and it would come back
elsewhere, where nobody looks for it.
"""

import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

LOOPBACK = "127.0.0.1"
PORT_MIN = 20_000
PORT_MAX = 32_000  # Linux hands out ports from 32,768 on


def free_ports(directory: Path, before: tuple[int, ...], *, count: int) -> list[int]:
    """The ports of before where they are free, else the folder's own, else the next."""
    with ExitStack() as stack:
        candidates = chain(before, _of(directory))
        return [_bound(stack.enter_context(socket.socket()), candidates) for _ in range(count)]


def _of(directory: Path) -> Iterator[int]:
    """Every port of the range, beginning where this folder's name says."""
    digest = hashlib.blake2b(os.fsencode(directory), digest_size=4).digest()
    first = int.from_bytes(digest, "big")
    size = PORT_MAX - PORT_MIN
    return (PORT_MIN + (first + step) % size for step in range(size))


def _bound(held: socket.socket, candidates: Iterator[int]) -> int:
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # old connections may linger
    for port in candidates:
        try:
            held.bind((LOOPBACK, port))
            held.listen()  # several may bind a port, one may listen
        except OSError:
            continue
        return port
    held.bind((LOOPBACK, 0))
    return int(held.getsockname()[1])
