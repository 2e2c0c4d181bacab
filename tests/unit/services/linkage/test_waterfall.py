"""An explanation adds up to the very integer that decides."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest

from services.identity.domain.evidence import RowKind
from services.identity.domain.links import link_of
from services.identity.domain.weights import UNITS_PER_BIT
from services.linkage.features import Features
from services.linkage.levels import DRAFTS
from services.linkage.score import PairScorer, totals
from services.linkage.waterfall import (
    NOT_COMPARED,
    cluster_step,
    explain_pair,
    link_waterfall,
    phrase_of,
    waterfall,
)
from services.linkage.weights import level_weights
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
    rows = explain_pair(scorer, *world.features[:2]).rows
    assert [row.kind for row in rows if row.kind is not RowKind.TERM_FREQUENCY] == [
        RowKind.PRIOR,
        *(RowKind.COMPARISON for _ in world.model.comparisons),
        RowKind.HOUSEHOLD_CAP,
    ]


def test_a_row_says_what_was_compared_and_how_it_came_out(scorer: PairScorer) -> None:
    explained = explain_pair(scorer, {"d0": "1980-04-05", "d0_y": "1980"}, {"g": "anna"})
    rows = {row.label: row for row in explained.rows}
    assert rows["date of birth"].level == NOT_COMPARED
    assert (rows["date of birth"].left, rows["date of birth"].right) == ("1980-04-05", None)
    assert rows["date of birth"].units == 0


def test_how_rare_a_value_is_has_a_row_of_its_own(world: Known, scorer: PairScorer) -> None:
    common: Features = {"g": "anna", "scr": "l"}
    rare: Features = {"g": "zoella", "scr": "l"}
    both = [explain_pair(scorer, each, each) for each in (common, rare)]
    levels, adjusted = zip(*([row.units for row in each.rows[1:3]] for each in both), strict=True)
    assert levels[0] == levels[1] == level_weights(world.model.comparisons[0])[0]
    assert adjusted[0] < adjusted[1]
    assert [each.rows[2].kind for each in both] == [RowKind.TERM_FREQUENCY] * 2
    assert both[1].in_words()[1] == (
        f"given name exactly equal, a rare one: {sum(r.bits for r in both[1].rows[1:3]):+.1f}"
    )


def test_words_without_values_are_those_of_the_levels(world: Known) -> None:
    count = len(world.model.comparisons)
    exact = waterfall(world.model, gammas=[0] * count, weights=[1 << 20] * count)
    assert exact.rows[1].words == "given name exactly equal"
    assert exact.rows[1].left is None


def test_the_household_row_only_takes_away(world: Known) -> None:
    count = len(world.model.comparisons)
    explained = waterfall(world.model, gammas=[0] * count, weights=[8 << 20] * count)
    assert explained.rows[-1].kind is RowKind.HOUSEHOLD_CAP
    assert explained.rows[-1].units < 0
    assert 0 <= explained.match_probability <= 1


def test_every_level_is_said_in_a_phrase() -> None:
    labels = {level.label for draft in DRAFTS.values() for level in draft("c0")[1]}
    assert all(phrase_of(label) for label in labels)


def test_the_step_to_a_cluster_adds_up_to_the_link(world: Known, scorer: PairScorer) -> None:
    pairs = [(a, b) for a in (0, 1) for b in (2, 3)]
    rows = np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])
    scored = scorer.score(world.features[:4], *rows)
    link = link_of(
        scored.weights,
        scored.present,
        relatives=world.model.relatives,
        tau=world.model.tau,
        prior=world.model.prior_units,
    )
    columns = link_waterfall(world.model, link)
    pair = explain_pair(scorer, world.features[0], world.features[2])
    stepped = cluster_step(pair, link)
    assert columns.total == stepped.total == link.total
    assert sum(row.units for row in columns.rows) == link.total
    assert stepped.rows[-1].kind is RowKind.CLUSTER_STEP
    claimed = link.weighing(link.total + UNITS_PER_BIT)
    for told in (link_waterfall(world.model, claimed), cluster_step(pair, claimed)):
        assert told.total == claimed.total
        assert (told.rows[-1].kind, told.rows[-1].units) == (RowKind.CLAIM, UNITS_PER_BIT)
