"""Small clustering problems with good defaults."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from services.identity.domain.clustering import Problem
from services.identity.domain.weights import UNITS_PER_BIT, Kinship, Relatives, to_units

NO_RELATIVES = Relatives.household((False,), share=0)
TAU = 0.1


def compared(count: int, *columns: dict[tuple[int, int], float]) -> npt.NDArray[np.int32]:
    """[pairs, k]; 0 for pairs that are not named."""
    pairs = combinations(range(count), 2)
    found = [[to_units(column.get(pair, 0.0)) for column in columns] for pair in pairs]
    return np.array(found, dtype=np.int32).reshape(-1, len(columns))


def one_comparison(count: int, pairs: dict[tuple[int, int], float], **more: Any) -> Problem:  # noqa: ANN401 - fields of Problem, for `replace`
    """Pairs that are not named are null."""
    weights = compared(count, pairs)
    problem = Problem(
        size=count,
        weights=weights,
        present=weights != 0,
        prior=0,
        relatives=NO_RELATIVES,
        tau=TAU,
    )
    return replace(problem, **more)


def random_problem(rng: np.random.Generator, *, size: int, width: int, tau: float = TAU) -> Problem:
    """Some people of several records each, noisy weights, nulls, vetoes."""
    truth = rng.integers(0, max(1, size // 5), size)
    left, right = np.triu_indices(size, 1)
    same = (truth[left] == truth[right])[:, None]
    shape = (len(left), width)
    bits = np.where(same, rng.normal(4, 3, shape), rng.normal(-3, 3, shape))
    present = rng.random(shape) > 0.3
    weights = np.where(present, bits * UNITS_PER_BIT, 0).astype(np.int32)
    forbidden = np.triu(rng.random((size, size)) < 0.02, 1)
    return Problem(
        size=size,
        weights=weights,
        present=present,
        prior=-3 * UNITS_PER_BIT,
        relatives=Relatives(
            shared=tuple(number % 2 == 1 for number in range(width)),
            born=tuple(number == 0 for number in range(width)),
            given=tuple(number == 2 for number in range(width)),
            kinship=Kinship(household=1e-3, twins=1e-5, namesakes=1e-4),
        ),
        tau=tau,
        forbidden=forbidden | forbidden.T,
    )
