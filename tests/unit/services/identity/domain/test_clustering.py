"""Constrained per-comparison linkage: against oracles, under vetoes and limits, cut by floors."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage

from services.identity.domain import clustering
from services.identity.domain.cluster_links import square_of_pairs
from services.identity.domain.clustering import Problem, agglomerate, agglomerate_all
from services.identity.domain.merge_limit import Held, MergeLimit
from services.identity.domain.weights import UNITS_PER_BIT, Relatives, to_units
from tests.clustering_factory import NO_RELATIVES, TAU, compared, one_comparison, random_problem


def plain_link(problem: Problem, left: Sequence[int], right: Sequence[int]) -> float:
    """A link in bits, from all pairs of records."""
    total, together, born, given = problem.prior / UNITS_PER_BIT, 0.0, 0.0, 0.0
    for c, is_shared in enumerate(problem.relatives.shared):
        pairs = [p for p in problem.between(left, right).tolist() if problem.present[p, c]]
        if not pairs:
            continue
        bits = [problem.weights[p, c] / UNITS_PER_BIT for p in pairs]
        mean = np.mean([2 ** (problem.tau * min(max(w, -30), 30)) for w in bits])
        value = float(np.log2(mean)) / problem.tau
        total += value
        together += value * is_shared
        born += value * (c == 0)
        given += value * (c == 2)
    kin = problem.relatives.kinship
    relatives = kin.household + kin.twins * 2**born + kin.namesakes * 2**given
    return total - math.log2(1 + relatives * 2**together)


def plain_linkage(problem: Problem) -> list[int]:
    """The recipe as it is written, in loops: every link from all its record pairs, every time."""
    members = {record: [record] for record in range(problem.size)}
    assert problem.forbidden is not None
    while True:
        links = [
            (plain_link(problem, members[left], members[right]), -left, -right)
            for left, right in combinations(sorted(members), 2)
            if not problem.forbidden[np.ix_(members[left], members[right])].any()
        ]
        value, left, right = max(links, default=(0.0, 0, 0))
        if value <= 0:
            links = plain_claims(problem, links, members)
            value, left, right = max(links, default=(0.0, 0, 0))
        if value <= 0:
            break
        members[-left] += members.pop(-right)
    return [next(head for head, of in members.items() if r in of) for r in range(problem.size)]


def plain_claims(
    problem: Problem, links: list[tuple[float, int, int]], members: dict[int, list[int]]
) -> list[tuple[float, int, int]]:
    """Of every link what its single records leave of it; both ends have to be free."""
    if problem.alone_share == 1:
        return []
    claims = []
    for value, left, right in links:
        others = [
            sum(2**bits for bits, *ends in links if end in ends and ends != [left, right])
            for end in (left, right)
            if len(members[-end]) == 1
        ]
        if others:
            claims.append(
                (value - math.log2(max(problem.alone_share, 1 / 3) + max(others)), left, right)
            )
    return claims


@pytest.mark.parametrize("alone_share", [1.0, 0.1])
@pytest.mark.parametrize("seed", range(6))
def test_clusters_are_those_of_the_recipe_in_plain_loops(seed: int, alone_share: float) -> None:
    rng = np.random.default_rng(seed)
    problem = replace(random_problem(rng, size=12, width=2), alone_share=alone_share)
    assert agglomerate(problem).labels.tolist() == plain_linkage(problem)


@pytest.mark.parametrize("seed", [0, 3, 4, 8])  # of which some record is left to be claimed
def test_fewer_are_alone_where_few_records_are(seed: int) -> None:
    problem = random_problem(np.random.default_rng(seed), size=25, width=2)
    found = agglomerate(problem).joins
    more = agglomerate(replace(problem, alone_share=0.2)).joins
    assert more[: len(found)] == found
    assert len(more) > len(found)


@pytest.mark.parametrize("seed", range(6))
def test_one_comparison_without_nulls_at_tau_zero_is_average_linkage(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = 30
    bits = rng.normal(-2, 6, (size * (size - 1) // 2, 1))
    weights = np.rint(bits * UNITS_PER_BIT).astype(np.int32)
    problem = Problem(
        size=size,
        weights=weights,
        present=np.ones(weights.shape, dtype=bool),
        prior=0,
        relatives=NO_RELATIVES,
        tau=0.0,
    )
    tree = linkage(100 - weights[:, 0] / UNITS_PER_BIT, "average")
    theirs = fcluster(tree, t=100, criterion="distance")
    ours = agglomerate(problem).labels
    assert ((ours[:, None] == ours) == (theirs[:, None] == theirs)).all()


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_records_does_not_change_the_partition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = replace(random_problem(rng, size=25, width=2), alone_share=0.3)
    order = rng.permutation(problem.size)
    left, right = np.triu_indices(problem.size, 1)
    pairs = square_of_pairs(problem.size)[order[left], order[right]]
    assert problem.forbidden is not None
    moved = Problem(
        size=problem.size,
        weights=problem.weights[pairs],
        present=problem.present[pairs],
        prior=problem.prior,
        relatives=problem.relatives,
        tau=problem.tau,
        alone_share=problem.alone_share,
        forbidden=problem.forbidden[np.ix_(order, order)],
    )
    here, there = agglomerate(problem).labels[order], agglomerate(moved).labels
    assert ((here[:, None] == here) == (there[:, None] == there)).all()


def test_a_link_of_two_records_is_their_match_weight_exactly() -> None:
    rng = np.random.default_rng(5)
    weights = rng.integers(-9 << 20, 12 << 20, (1, 6)).astype(np.int32)
    shared = [False, True] * 3
    relatives = Relatives.household(shared, share=0.01)
    problem = Problem(
        size=2,
        weights=weights,
        present=weights != 0,
        prior=50 << 20,
        relatives=relatives,
        tau=TAU,
    )
    taken_off = relatives.taken_off(weights)[0]
    assert agglomerate(problem).joins[0].weight == (50 << 20) + weights.sum() - taken_off


def test_a_link_of_joined_records_is_as_exact_as_one_of_single_records() -> None:
    """Whether weights were summed or read, the mean of equal weights is that weight."""
    pairs = {(0, 1): 20.0, (0, 2): 3.0, (1, 2): 3.0}
    joins = agglomerate(one_comparison(3, pairs)).joins
    assert [join.weight for join in joins] == [to_units(20.0), to_units(3.0)]


def test_equal_links_go_to_the_smaller_pair() -> None:
    pairs = {(0, 1): 4.0, (1, 2): 4.0, (0, 2): -30.0, (2, 3): 4.0, (1, 3): -30.0, (0, 3): -30.0}
    clustering = agglomerate(one_comparison(4, pairs))
    assert [join[:2] for join in clustering.joins] == [(0, 1), (2, 3)]
    assert clustering.labels.tolist() == [0, 0, 2, 2]


def test_even_odds_are_not_enough() -> None:
    assert agglomerate(one_comparison(2, {(0, 1): 1e-6})).labels.tolist() == [0, 0]
    empty = one_comparison(2, {})
    assert agglomerate(empty).labels.tolist() == [0, 1]


def test_nulls_do_not_dilute() -> None:
    pairs = {(0, 1): 20.0, (1, 2): 6.0}
    prior = -5 * UNITS_PER_BIT
    assert agglomerate(one_comparison(3, pairs, prior=prior)).labels.tolist() == [0, 0, 0]


def test_one_comparison_of_one_pair_counts_for_thirty_bits_at_most() -> None:
    prior = -31 * UNITS_PER_BIT
    assert agglomerate(one_comparison(2, {(0, 1): 500.0}, prior=prior)).labels.tolist() == [0, 1]


def test_a_veto_keeps_whole_clusters_apart() -> None:
    forbidden = np.zeros((3, 3), dtype=bool)
    forbidden[2, 0] = True
    pairs = {(0, 1): 9.0, (1, 2): 8.0, (0, 2): 8.0}
    problem = one_comparison(3, pairs, forbidden=forbidden)
    assert agglomerate(problem).labels.tolist() == [0, 0, 2]


def held(*values: str) -> frozenset[Held]:
    return frozenset(Held(value, None) for value in values)


def test_a_join_that_would_hold_too_many_values_is_refused_and_told() -> None:
    pairs = {(0, 1): 9.0, (1, 2): 8.0, (0, 2): 8.0}
    values = [held("a"), held("b"), held("c")]
    clustering = agglomerate(one_comparison(3, pairs, limited=[(MergeLimit(values_max=2), values)]))
    assert clustering.labels.tolist() == [0, 0, 2]
    assert [refused[:2] for refused in clustering.refused] == [(0, 2)]
    same = [held("a"), held("b"), held("a")]
    problem = one_comparison(3, pairs, limited=[(MergeLimit(values_max=2), same)])
    assert agglomerate(problem).labels.tolist() == [0, 0, 0]


def test_a_limit_does_not_change_what_it_was_given() -> None:
    values = [held("a"), held("b")]
    limited = [(MergeLimit(values_max=5), values)]
    agglomerate(one_comparison(2, {(0, 1): 9.0}, limited=limited))
    assert values == [held("a"), held("b")]


def test_units_are_joined_whatever_they_weigh_and_bring_their_vetoes() -> None:
    forbidden = np.zeros((4, 4), dtype=bool)
    forbidden[1, 3] = True
    pairs = {(0, 1): -20.0, (0, 2): 9.0, (1, 2): 9.0, (0, 3): 9.0}
    problem = one_comparison(4, pairs, units=[(1, 0)], forbidden=forbidden)
    assert agglomerate(problem).labels.tolist() == [0, 0, 0, 3]


def test_a_single_record_is_its_own_cluster() -> None:
    assert agglomerate(one_comparison(1, {})).labels.tolist() == [0]


def test_evidence_that_a_household_shares_joins_nobody_by_itself() -> None:
    weights = compared(2, {(0, 1): 25.0}, {(0, 1): -3.0})
    shared = Problem(
        size=2,
        weights=weights,
        present=weights != 0,
        prior=-9 * UNITS_PER_BIT,
        relatives=Relatives.household((True, False), share=2.0**-10),
        tau=TAU,
    )
    personal = replace(shared, relatives=Relatives.household((False, False), share=0))
    assert agglomerate(shared).labels.tolist() == [0, 1]
    assert agglomerate(personal).labels.tolist() == [0, 0]


@pytest.mark.parametrize("seed", range(4))
def test_components_together_are_clustered_as_each_alone(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(seed)
    problems = []
    for _ in range(40):
        problem = random_problem(rng, size=int(rng.integers(1, 24)), width=3)
        if seed == 0:  # nothing known would be enough: nobody may join whom a smaller one lacks
            problem = replace(problem, prior=UNITS_PER_BIT)
        if rng.random() < 0.3:
            forbidden = np.triu(rng.random((problem.size, problem.size)) < 0.1, 1)
            problem = replace(problem, forbidden=forbidden)
        values = [
            held(str(rng.integers(3))) if rng.random() < 0.5 else frozenset()
            for _ in range(problem.size)
        ]
        units = [(0, *range(2, problem.size, 3))] if rng.random() < 0.5 else []
        problem = replace(problem, alone_share=0.3 if seed % 2 else 1.0)
        problems.append(replace(problem, limited=[(MergeLimit(values_max=1), values)], units=units))
    alone = [agglomerate(problem) for problem in problems]
    monkeypatch.setattr(clustering, "STACK_CELLS_MAX", 3_000)
    together = agglomerate_all(problems)
    assert [each.labels.tolist() for each in together] == [each.labels.tolist() for each in alone]
    assert [(each.joins, each.refused) for each in together] == [
        (each.joins, each.refused) for each in alone
    ]
    assert any(each.refused for each in alone)
    assert sum(len(each.joins) for each in alone) > 10
