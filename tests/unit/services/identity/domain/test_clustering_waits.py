"""Joins that wait for a word: of two large clusters, or of little evidence."""

from dataclasses import replace
from itertools import combinations

import pytest

from services.identity.domain.clustering import Problem, Radius, agglomerate
from services.identity.domain.merge_policy import LeastEvidence
from services.identity.domain.weights import Relatives, to_units
from tests.clustering_factory import TAU, compared, one_comparison

TWO_COUPLES = {(0, 1): 9.0, (2, 3): 9.0, (0, 2): 4.0, (0, 3): 4.0, (1, 2): 4.0, (1, 3): 4.0}


@pytest.mark.parametrize(
    ("radius", "labels"),
    [
        pytest.param(None, [0, 0, 0, 0], id="no-radius"),
        pytest.param(Radius(records_max=2), [0, 0, 0, 0], id="both-within"),
        pytest.param(Radius(records_max=1), [0, 0, 2, 2], id="both-beyond"),
        pytest.param(
            Radius(records_max=1, granted=[frozenset({1, 3})]), [0, 0, 0, 0], id="by-a-word"
        ),
        pytest.param(
            Radius(records_max=1, granted=[frozenset({0, 1})]), [0, 0, 2, 2], id="another-word"
        ),
    ],
)
def test_a_join_of_two_large_clusters_waits_for_a_word(
    radius: Radius | None, labels: list[int]
) -> None:
    found = agglomerate(replace(one_comparison(4, TWO_COUPLES), radius=radius))
    assert found.labels.tolist() == labels
    assert [tuple(join[:2]) for join in found.held] == ([] if labels[2] == 0 else [(0, 2)])


@pytest.mark.parametrize(
    ("least", "labels", "lacking"),
    [
        pytest.param(LeastEvidence(weight_min=0, personal_fields_min=1), [0] * 4, [], id="enough"),
        pytest.param(
            LeastEvidence(weight_min=to_units(5), personal_fields_min=0),
            [0, 0, 2, 2],
            [(0, 2)],
            id="not-sure",
        ),
        pytest.param(
            LeastEvidence(weight_min=0, personal_fields_min=2),
            [0, 1, 2, 3],
            list(combinations(range(4), 2)),
            id="too-few-fields",
        ),
        pytest.param(
            LeastEvidence(
                weight_min=to_units(5), personal_fields_min=1, granted=[frozenset({1, 3})]
            ),
            [0] * 4,
            [],
            id="by-a-word",
        ),
        pytest.param(
            LeastEvidence(
                weight_min=to_units(5), personal_fields_min=1, granted=[frozenset({0, 1})]
            ),
            [0, 0, 2, 2],
            [(0, 2)],
            id="by-the-word-of-others",
        ),
    ],
)
def test_a_join_of_little_evidence_waits_for_a_word(
    least: LeastEvidence, labels: list[int], lacking: list[tuple[int, int]]
) -> None:
    found = agglomerate(replace(one_comparison(4, TWO_COUPLES), least=least))
    assert found.labels.tolist() == labels
    assert sorted(tuple(join[:2]) for join in found.lacking) == lacking


def test_what_was_lacking_is_asked_again_of_the_larger_cluster() -> None:
    """0 and 1 have one field in common; 2, who joins 0 by two, brings the other."""
    one, other = {(0, 1): 12.0, (0, 2): 5.0, (1, 2): 5.0}, {(0, 2): 4.0, (1, 2): 4.0}
    weights = compared(3, one, other)
    problem = Problem(
        size=3,
        weights=weights,
        present=weights != 0,
        prior=0,
        relatives=Relatives.household([False, False], share=0.0),
        tau=TAU,
        least=LeastEvidence(weight_min=0, personal_fields_min=2),
    )
    found = agglomerate(problem)
    assert found.labels.tolist() == [0, 0, 0]
    assert [tuple(join[:2]) for join in found.joins] == [(0, 2), (0, 1)]
    assert found.lacking == ()
