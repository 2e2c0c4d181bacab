"""What pairs inside parts weigh is found by their records, whatever the parts and the order."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.resolver.resolve.edges import NULL
from services.resolver.resolve.weighed import Weighed

WIDTH = 2
Parts = list[list[int]]
Pair = tuple[int, int]


@st.composite
def parts_of_records(draw: st.DrawFn) -> Parts:
    """Parts of two records and more, no record in two, the smallest first."""
    sizes = sorted(draw(st.lists(st.integers(2, 6), min_size=1, max_size=5)))
    numbers = draw(st.permutations(range(1, sum(sizes) + 4)))
    given_out = iter(numbers)
    return [[next(given_out) for _ in range(size)] for size in sizes]


def weight_of(pair: Pair) -> list[int]:
    return [min(pair), max(pair)]


def encoded(pair: Pair) -> bytes:
    return np.array(weight_of(pair), dtype="<i4").tobytes()


def rows_of(parts: Parts) -> list[Pair]:
    return [pair for part in parts for pair in combinations(part, 2)]


@given(parts_of_records(), st.data())
def test_a_pair_stands_where_its_records_say(parts: Parts, data: st.DataObject) -> None:
    every = list(combinations(range(1, sum(map(len, parts)) + 4), 2))
    known = data.draw(st.sets(st.sampled_from(every)))
    weighed = Weighed(parts, width=WIDTH)
    weighed.put_pairs({pair: encoded(pair) for pair in sorted(known)})
    assert weighed.vectors.tolist() == [
        weight_of(pair) if tuple(sorted(pair)) in known else [NULL, NULL] for pair in rows_of(parts)
    ]


@given(parts_of_records(), st.data())
def test_what_is_missing_is_named_by_its_records(parts: Parts, data: st.DataObject) -> None:
    pairs = rows_of(parts)
    known = data.draw(st.sets(st.sampled_from(pairs)))
    weighed = Weighed(parts, width=WIDTH)
    weighed.put_pairs({pair: encoded(pair) for pair in sorted(known)})
    found = []
    for rows in weighed.missing():
        numbers, ends = weighed.ends(rows)
        assert len(numbers) == len({end for pair in ends.tolist() for end in pair})
        found += [tuple(pair) for pair in numbers[ends].tolist()]
    assert found == [pair for pair in pairs if pair not in known]
    missing = np.concatenate(weighed.missing())
    numbers, ends = weighed.ends(missing)
    assert [tuple(pair) for pair in numbers[ends].tolist()] == found


def test_what_nobody_asks_is_not_missing() -> None:
    weighed = Weighed([[1, 2], [5, 9, 7, 8]], width=WIDTH)
    weighed.leave_out(1, [1, 2, 3])
    assert [rows.tolist() for rows in weighed.missing()] == [[0], [1, 2, 3]]


def test_parts_of_one_size_are_read_at_once() -> None:
    weighed = Weighed([[1, 2], [5, 9, 7], [3, 4, 6]], width=WIDTH)
    weighed.put_pairs({pair: encoded(pair) for pair in [(3, 4), (7, 9)]})
    assert weighed.of_parts(1, 2)[:, :, 0].tolist() == [[NULL, NULL, 7], [3, NULL, NULL]]
