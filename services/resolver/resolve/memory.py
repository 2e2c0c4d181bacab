"""Pairs weighed before: what they weigh depends on two records and the model, so once is enough.

Records that stand in one component are compared all with all, whoever joins them. What two of them
without an edge weigh is kept with their component, so that a new record costs one row of it, not
the square. Nothing is decided by it that scoring would not give again.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from hashlib import blake2b
from itertools import compress
from struct import Struct

import numpy as np

from services.resolver.resolve.candidates import Pair

PAIRS_KEPT_MIN = 8  # fewer are weighed again as soon as they are read
PAIRS_KEPT_MAX = 40_000  # of one component; all pairs of 256 records are 32,640
DIGEST_BYTES = 8

_HEAD = Struct("<8sIII")  # which model, how many records and pairs, and the bytes of a vector

Vectors = Mapping[Pair, bytes]


def digest_of(features: bytes) -> bytes:
    """What a record's weights depend on, in eight bytes."""
    return blake2b(features, digest_size=DIGEST_BYTES).digest()


def pack(
    pairs: Collection[Pair], vectors: Vectors, digest: Callable[[int], bytes], *, model: str
) -> bytes:
    """These pairs' vectors with what they depend on: the model, and of each record its digest."""
    numbers = sorted({number for pair in pairs for number in pair})
    place = {number: index for index, number in enumerate(numbers)}
    ends = np.array([(place[a], place[b]) for a, b in pairs], dtype="<u4")
    kept = [vectors[pair] for pair in pairs]
    return b"".join(
        (
            _HEAD.pack(_tag(model), len(numbers), len(kept), len(kept[0])),
            np.array(numbers, dtype="<i8").tobytes(),
            *(digest(number) for number in numbers),
            ends.tobytes(),
            *kept,
        )
    )


def unpack(raw: bytes, digest: Callable[[int], bytes | None], *, model: str) -> dict[Pair, bytes]:
    """The vectors that still hold: of records that are as they were, by the same model."""
    tag, records, count, width = _HEAD.unpack_from(raw)
    if tag != _tag(model):
        return {}
    at = _HEAD.size
    numbers = np.frombuffer(raw, dtype="<i8", count=records, offset=at)
    at += numbers.nbytes
    digests = _slices(raw, at, count=records, width=DIGEST_BYTES)
    same = np.array([digest(n) == d for n, d in zip(numbers.tolist(), digests, strict=True)])
    at += records * DIGEST_BYTES
    ends = np.frombuffer(raw, dtype="<u4", count=2 * count, offset=at).reshape(count, 2)
    at += ends.nbytes
    pairs = zip(*numbers[ends].T.tolist(), strict=True)
    found = zip(pairs, _slices(raw, at, count=count, width=width), strict=True)
    return dict(compress(found, same[ends].all(axis=1).tolist()))


def _slices(raw: bytes, start: int, *, count: int, width: int) -> Iterator[bytes]:
    return (raw[at : at + width] for at in range(start, start + count * width, width))


def _tag(model: str) -> bytes:
    return digest_of(model.encode())
