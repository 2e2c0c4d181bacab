"""What pairs weigh is kept with their component, and holds while their records are as they were."""

import numpy as np

from services.resolver.resolve.memory import digest_of, pack, unpack

NUMBERS = np.array([8, 3, 12, 9])
ENDS = np.array([(0, 1), (1, 3), (0, 2)])
VECTORS = np.array([(1, 2, 3), (4, 5, 6), (7, 8, 9)], dtype=np.int32)
DIGESTS = {number: digest_of(b"%d" % number) for number in (3, 8, 9, 12)}
Pairs = dict[tuple[int, ...], list[int]]


def packed() -> bytes:
    return pack(NUMBERS, ENDS, VECTORS, DIGESTS.__getitem__, model="m1")


def kept(now: dict[int, bytes], *, model: str = "m1") -> Pairs:
    found = unpack(packed(), now.get, model=model)
    if found is None:
        return {}
    numbers, ends, vectors = found
    pairs = (tuple(sorted(pair)) for pair in numbers[ends].tolist())
    return dict(zip(pairs, vectors.tolist(), strict=True))


def test_what_was_packed_is_found_again() -> None:
    assert kept(DIGESTS) == {(3, 8): [1, 2, 3], (3, 9): [4, 5, 6], (8, 12): [7, 8, 9]}


def test_a_record_that_changed_takes_its_pairs_with_it() -> None:
    assert kept(DIGESTS | {8: digest_of(b"another")}) == {(3, 9): [4, 5, 6]}


def test_a_record_that_nobody_read_has_no_pairs() -> None:
    assert kept({number: DIGESTS[number] for number in (3, 8)}) == {(3, 8): [1, 2, 3]}


def test_another_model_weighs_anew() -> None:
    assert kept(DIGESTS, model="m2") == {}
