"""Training must recover the parameters that its data was made from."""

import numpy as np
import pytest

from services.linkage.training.em import Household, maximise, smoothed
from services.linkage.training.estimate_u import estimate_u, refine_u
from services.linkage.training.pairs import Vectors
from services.linkage.training.parameters import initial_parameters

TRUE_M = ([0.85, 0.1, 0.05], [0.7, 0.3], [0.6, 0.2, 0.1, 0.1])
TRUE_U = ([0.02, 0.08, 0.9], [0.1, 0.9], [0.01, 0.04, 0.25, 0.7])
DEFAULT_M = ([0.6, 0.2, 0.2], [0.5, 0.5], [0.4, 0.2, 0.2, 0.2])


def generated(*, matches: int, others: int, null_share: float = 0.1, seed: int = 3) -> Vectors:
    rng = np.random.default_rng(seed)
    columns = []
    for m, u in zip(TRUE_M, TRUE_U, strict=True):
        level = np.r_[rng.choice(len(m), matches, p=m), rng.choice(len(u), others, p=u)]
        level[rng.random(len(level)) < null_share] = -1
        columns.append(level)
    return np.array(columns, dtype=np.int8).T


@pytest.mark.parametrize("match_share", [0.2, 0.5, 0.9])
def test_em_recovers_the_parameters_of_its_data(match_share: float) -> None:
    count = 60_000
    matches = int(count * match_share)
    found = maximise(
        generated(matches=matches, others=count - matches),
        free=(0, 1, 2),
        m=[np.array(m) for m in DEFAULT_M],
        u=[np.array(u) for u in TRUE_U],
        default_m=[np.array(m) for m in DEFAULT_M],
        start=0.5,
        pseudo_count=50.0,
    )
    assert found.match_share == pytest.approx(match_share, abs=0.015)
    for j, m in enumerate(TRUE_M):
        learned = smoothed(found.expected[j], np.array(DEFAULT_M[j]), 50.0)
        assert learned == pytest.approx(m, abs=0.02)


def test_twins_teach_nobody_that_matches_change_their_names() -> None:
    """A third of the pairs agree on the address as matches do, and on the rest as strangers do."""
    matches = generated(matches=4_000, others=1_000, null_share=0, seed=4)
    twins = generated(matches=0, others=3_000, null_share=0, seed=5)
    twins[:, 0] = generated(matches=3_000, others=0, null_share=0, seed=6)[:, 0]
    expected = {}
    for name, household in (("plain", Household()), ("with", Household(shared=frozenset({0})))):
        found = maximise(
            np.concatenate((matches, twins)),
            free=(0, 1, 2),
            m=[np.array(m) for m in TRUE_M],
            u=[np.array(u) for u in TRUE_U],
            default_m=[np.array(m) for m in TRUE_M],
            start=0.8,
            pseudo_count=50.0,
            household=household,
        )
        expected[name] = smoothed(found.expected[2], np.array(TRUE_M[2]), 50.0)
    assert expected["plain"] != pytest.approx(TRUE_M[2], abs=0.05)
    assert expected["with"] == pytest.approx(TRUE_M[2], abs=0.03)


def test_a_small_session_stays_near_the_default() -> None:
    found = maximise(
        np.zeros((3, 3), dtype=np.int8),
        free=(0, 1, 2),
        m=[np.array(m) for m in DEFAULT_M],
        u=[np.array(u) for u in TRUE_U],
        default_m=[np.array(m) for m in DEFAULT_M],
        start=0.5,
        pseudo_count=50.0,
    )
    learned = smoothed(found.expected[0], np.array(DEFAULT_M[0]), 50.0)
    assert learned == pytest.approx(DEFAULT_M[0], abs=0.05)
    assert min(learned) > 0


def test_u_is_not_spoiled_by_the_matches_among_random_pairs() -> None:
    vectors = generated(matches=4_000, others=40_000, null_share=0.0)
    first = estimate_u(vectors, initial_parameters(DEFAULT_M))
    assert first.u[0][0] == pytest.approx(0.095, abs=0.01)  # a tenth of the pairs are matches
    known = type(first)(
        default_m=first.default_m,
        m=tuple(np.array(m) for m in TRUE_M),
        u=first.u,
        known=first.known,
        known_in_matches=first.known_in_matches,
        match_share=4 / 44,
    )
    for _ in range(8):
        known = refine_u(vectors, known)
    for j, u in enumerate(TRUE_U):
        assert known.u[j] == pytest.approx(u, abs=0.015)


def test_a_comparison_that_is_always_null_is_not_used() -> None:
    vectors = generated(matches=10, others=10)
    vectors[:, 1] = -1
    parameters = estimate_u(vectors, initial_parameters(DEFAULT_M))
    assert parameters.used == (True, False, True)
    assert parameters.u[1] == pytest.approx([0.5, 0.5])
