"""The cheap guards before the dear edit distance never change what it would have said."""

from random import Random

import duckdb
import pyarrow as pa
import pytest

from services.linkage.levels import _edits


def spellings(count: int) -> list[str]:
    """Short strings of few letters, so that near misses and swaps are common."""
    random = Random(11)
    return ["".join(random.choices("abc", k=random.randint(0, 7))) for _ in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_guarded_distance_is_the_distance(count: int) -> None:
    given = spellings(4000)
    connection = duckdb.connect(config={"threads": 1})
    connection.register("pairs", pa.table({"x_l": given[::2], "x_r": given[1::2]}))
    rows = connection.execute(
        f"select {_edits('x', count)}, damerau_levenshtein(x_l, x_r) <= {count} from pairs"
    ).fetchall()
    connection.close()
    assert all(guarded == plain for guarded, plain in rows)
    assert {plain for _, plain in rows} == {True, False}
