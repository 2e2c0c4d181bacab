"""Pairs weighed before: what they weigh depends on two records and the model, so once is enough.

Records that stand in one component are compared all with all, whoever joins them. What two of them
without an edge weigh is kept with their component, so that a new record costs one row of it, not
the square. Nothing is decided by it that scoring would not give again.
"""

from collections.abc import Callable, Iterator
from hashlib import blake2b
from struct import Struct

import numpy as np

from services.resolver.resolve.weighed import Numbers, Vectors

PAIRS_KEPT_MIN = 8  # fewer are weighed again as soon as they are read
PAIRS_KEPT_MAX = 40_000  # of one component; all pairs of 256 records are 32,640
DIGEST_BYTES = 8

_HEAD = Struct("<8sIII")  # which model, how many records and pairs, and the bytes of a vector

_NUMBER_BYTES = 4  # of a vector


def digest_of(features: bytes) -> bytes:
    """What a record's weights depend on, in eight bytes."""
    return blake2b(features, digest_size=DIGEST_BYTES).digest()


def pack(
    numbers: Numbers,
    ends: Numbers,
    vectors: Vectors,
    digest: Callable[[int], bytes],
    *,
    model: str,
) -> bytes:
    """Pairs' vectors with what they depend on: the model, and of each record its digest.

    `ends` are the places of the pairs' records among the numbers.
    """
    count, width = vectors.shape
    return b"".join(
        (
            _HEAD.pack(_tag(model), len(numbers), count, width * _NUMBER_BYTES),
            numbers.astype("<i8").tobytes(),
            *map(digest, numbers.tolist()),
            ends.astype("<u4").tobytes(),
            vectors.astype("<i4").tobytes(),
        )
    )


def unpack(
    raw: bytes, digest: Callable[[int], bytes | None], *, model: str
) -> tuple[Numbers, Numbers, Vectors] | None:
    """The same of pairs that still hold: of records that are as they were, by the same model."""
    tag, records, count, width = _HEAD.unpack_from(raw)
    if tag != _tag(model):
        return None
    at = _HEAD.size
    numbers = np.frombuffer(raw, dtype="<i8", count=records, offset=at)
    at += numbers.nbytes
    digests = _slices(raw, at, count=records, width=DIGEST_BYTES)
    same = np.array([digest(n) == d for n, d in zip(numbers.tolist(), digests, strict=True)])
    at += records * DIGEST_BYTES
    ends = np.frombuffer(raw, dtype="<u4", count=2 * count, offset=at).reshape(count, 2)
    at += ends.nbytes
    vectors = np.frombuffer(raw, dtype="<i4", offset=at).reshape(count, width // _NUMBER_BYTES)
    if same.all():
        return numbers, ends, vectors
    holds = same[ends].all(axis=1)
    return numbers, ends[holds], vectors[holds]


def _slices(raw: bytes, start: int, *, count: int, width: int) -> Iterator[bytes]:
    return (raw[at : at + width] for at in range(start, start + count * width, width))


def _tag(model: str) -> bytes:
    return digest_of(model.encode())
