import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.linkage.training.key_pairs import KeyPairs

PAIRS = st.sets(st.integers(0, 40), max_size=20)


@given(st.lists(PAIRS, min_size=1, max_size=5), st.sets(st.integers(0, 4)))
def test_pairs_and_their_makers_are_what_sets_say(made: list[set[int]], gone: set[int]) -> None:
    found = KeyPairs()
    for place, pairs in enumerate(made):
        array = np.array(sorted(pairs), dtype=np.int64)
        before = set().union(*made[:place])
        assert found.new_among(array) == len(pairs - before)
        found.add(place, array)
    left = {place: pairs for place, pairs in enumerate(made) if place not in gone}
    for place in set(range(len(made))) - left.keys():
        found.leave_out(place)
    every: set[int] = set().union(*left.values())
    assert found.pairs.tolist() == sorted(every)
    alone = found.alone()
    for place, pairs in left.items():
        others: set[int] = set().union(*(p for other, p in left.items() if other != place))
        assert found.pairs[found.made_by(place)].tolist() == sorted(pairs)
        assert alone[place] == len(pairs - others)
    growth = {place: float(1 + place) for place in left}
    cheapest = [min(growth[place] for place in left if pair in left[place]) for pair in every]
    assert found.cost(growth) == sum(cheapest)


def test_a_part_of_the_pairs_stands_for_all_of_them() -> None:
    found = KeyPairs()
    found.add(0, np.arange(100_000, dtype=np.int64))
    found.add(1, np.arange(0, 100_000, 2, dtype=np.int64))
    some, stands_for = found.some(10_000)
    assert 9_000 < len(some.pairs) < 11_000
    assert stands_for == 10.0
    assert 0.45 < some.alone()[0] / len(some.pairs) < 0.55
    some.leave_out(0)
    assert len(found.pairs) == 100_000
