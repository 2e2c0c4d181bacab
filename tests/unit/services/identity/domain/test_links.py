"""A link, taken apart into its columns, is the very number that clustering decided by."""

from dataclasses import replace

import numpy as np
import pytest

from services.identity.domain.alone import credit
from services.identity.domain.clustering import Problem, agglomerate
from services.identity.domain.links import Link, link_of
from services.identity.domain.weights import UNITS_PER_BIT, Relatives
from tests.clustering_factory import random_problem

NO_RELATIVES = Relatives.household((False,), share=0)


def link_between(problem: Problem, left: list[int], right: list[int]) -> Link:
    pairs = problem.between(left, right)
    return link_of(
        problem.weights[pairs],
        problem.present[pairs],
        relatives=problem.relatives,
        tau=problem.tau,
        prior=problem.prior,
    )


@pytest.mark.parametrize("tau", [0.0, 0.1])
@pytest.mark.parametrize("seed", range(4))
def test_every_join_weighs_what_its_columns_add_up_to(seed: int, tau: float) -> None:
    problem = random_problem(np.random.default_rng(seed), size=25, width=4, tau=tau)
    found = agglomerate(problem)
    members = {record: [record] for record in range(problem.size)}
    assert len(found.joins) > 5
    for join in found.joins:
        link = link_between(problem, members[join.left], members[join.right])
        assert link.total == join.weight
        assert problem.prior + sum(link.columns) + link.household == link.total
        members[join.left] += members.pop(join.right)


def test_a_claim_is_a_link_and_what_it_gained() -> None:
    problem = random_problem(np.random.default_rng(0), size=25, width=2)
    found = agglomerate(replace(problem, alone_share=0.2))
    members = {record: [record] for record in range(problem.size)}
    gained = set()
    for join in found.joins:
        link = link_between(problem, members[join.left], members[join.right])
        told = link.weighing(join.weight)
        assert told.total == join.weight
        assert problem.prior + sum(told.columns) + told.household + told.claimed == told.total
        gained.add(told.claimed)
        members[join.left] += members.pop(join.right)
    assert min(gained) == 0
    assert 0 < max(gained) <= credit(0.2)


def test_a_column_says_in_how_many_pairs_it_was_compared() -> None:
    weights = np.full((6, 1), 5 * UNITS_PER_BIT, dtype=np.int32)
    present = np.array([[True], [False], [False], [True], [False], [False]])
    link = link_of(weights, present, relatives=NO_RELATIVES, tau=0.1, prior=0)
    assert (link.counts, link.pairs) == ((2,), 6)
    assert link.columns[0] == pytest.approx(5 * UNITS_PER_BIT, abs=1)


def test_one_pair_counts_within_bounds() -> None:
    weights = np.full((1, 1), 40 * UNITS_PER_BIT, dtype=np.int32)
    link = link_of(weights, weights > 0, relatives=NO_RELATIVES, tau=0.1, prior=0)
    assert link.total == 30 * UNITS_PER_BIT


@pytest.mark.parametrize("bits", [-30, -1, 30])
def test_no_number_of_nulls_is_seen_beside_two_pairs(bits: int) -> None:
    """They are summed all the same: a grain each, so that nobody has to look for them."""
    weights = np.full((1 << 16, 1), bits * UNITS_PER_BIT, dtype=np.int32)
    weights[1] += 12_345
    present = np.zeros(weights.shape, dtype=bool)
    present[[0, 1]] = True
    known, alone = (
        link_of(weights[:some], present[:some], relatives=NO_RELATIVES, tau=0.1, prior=0)
        for some in (len(weights), 2)
    )
    assert known.columns == alone.columns
    nothing = link_of(weights[2:], present[2:], relatives=NO_RELATIVES, tau=0.1, prior=0)
    assert nothing.columns == (0,)
