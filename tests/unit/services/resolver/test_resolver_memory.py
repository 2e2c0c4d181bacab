"""What pairs weigh is kept with their component, and holds while their records are as they were."""

from services.resolver.resolve.memory import digest_of, pack, unpack

PAIRS = [(3, 8), (3, 9), (8, 12)]
VECTORS = {pair: bytes([index]) * 12 for index, pair in enumerate(PAIRS)}
DIGESTS = {number: digest_of(b"%d" % number) for number in (3, 8, 9, 12)}


def packed() -> bytes:
    return pack(PAIRS, VECTORS, DIGESTS.__getitem__, model="m1")


def test_what_was_packed_is_found_again() -> None:
    assert unpack(packed(), DIGESTS.get, model="m1") == VECTORS


def test_a_record_that_changed_takes_its_pairs_with_it() -> None:
    now = DIGESTS | {8: digest_of(b"another")}
    assert unpack(packed(), now.get, model="m1") == {(3, 9): VECTORS[3, 9]}


def test_a_record_that_nobody_read_has_no_pairs() -> None:
    now = {number: DIGESTS[number] for number in (3, 8)}
    assert unpack(packed(), now.get, model="m1") == {(3, 8): VECTORS[3, 8]}


def test_another_model_weighs_anew() -> None:
    assert unpack(packed(), DIGESTS.get, model="m2") == {}
