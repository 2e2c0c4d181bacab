"""An explanation adds up to the very integer that decides."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest

from services.linkage.score import PairScorer, totals
from services.linkage.waterfall import NOT_COMPARED, RowKind, explain_pair, waterfall
from tests.linkage_factory import Known, known


@pytest.fixture(scope="module")
def world() -> Known:
    return known()


@pytest.fixture(scope="module")
def scorer(world: Known) -> Iterator[PairScorer]:
    scorer = PairScorer(world.model)
    yield scorer
    scorer.close()


def test_rows_add_up_to_the_total_that_decides(world: Known, scorer: PairScorer) -> None:
    for left, right in combinations(world.features[:8], 2):
        explained = explain_pair(scorer, left, right)
        scored = scorer.score([left, right], np.array([0]), np.array([1]))
        assert explained.total == totals(scored, world.model)[0]
        assert explained.total == sum(row.units for row in explained.rows)
        running = 0
        for row in explained.rows:
            assert row.before == running
            running += row.units


def test_there_is_a_row_for_the_prior_every_comparison_and_the_household(
    world: Known, scorer: PairScorer
) -> None:
    kinds = [row.kind for row in explain_pair(scorer, *world.features[:2]).rows]
    assert kinds == [
        RowKind.PRIOR,
        *(RowKind.COMPARISON for _ in world.model.comparisons),
        RowKind.HOUSEHOLD_CAP,
    ]


def test_a_row_says_what_was_compared_and_how_it_came_out(world: Known, scorer: PairScorer) -> None:
    explained = explain_pair(scorer, {"d0": "1980-04-05", "d0_y": "1980"}, {"g": "anna"})
    rows = {row.label: row for row in explained.rows}
    assert rows["date of birth"].level == NOT_COMPARED
    assert (rows["date of birth"].left, rows["date of birth"].right) == ("1980-04-05", None)
    assert rows["date of birth"].units == 0
    exact = waterfall(
        world.model,
        gammas=[0] * len(world.model.comparisons),
        weights=[1 << 20] * len(world.model.comparisons),
    )
    assert exact.rows[1].words == "given name: exact, 1.0 bits for (2.0 times as likely)"
    assert exact.rows[1].left is None


def test_the_household_row_only_takes_away(world: Known) -> None:
    count = len(world.model.comparisons)
    explained = waterfall(world.model, gammas=[0] * count, weights=[8 << 20] * count)
    assert explained.rows[-1].kind is RowKind.HOUSEHOLD_CAP
    assert explained.rows[-1].units < 0
    assert 0 <= explained.match_probability <= 1
