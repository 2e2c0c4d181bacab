"""The pairs of a first fill: those who share a key that few enough hold, as a steward has it."""

import numpy as np
import pytest

from services.identity.domain.identifiers import IdentityRules
from services.resolver.bulk import pairs_under

OFFICE, MOBILE, RULE = 3, -5, 8  # identifiers have odd keys
HELD = ((OFFICE, 1), (OFFICE, 2), (OFFICE, 3), (MOBILE, 1), (MOBILE, 4), (RULE, 2), (RULE, 4))


@pytest.mark.parametrize(
    ("said", "generic", "pairs"),
    [
        pytest.param({}, {OFFICE}, {(1, 4), (2, 4)}, id="by-count"),
        pytest.param(
            {OFFICE: 1_000}, set(), {(1, 2), (1, 3), (2, 3), (1, 4), (2, 4)}, id="said-to-tie"
        ),
        pytest.param({MOBILE: 0}, {OFFICE, MOBILE}, {(2, 4)}, id="said-to-tie-nobody"),
        pytest.param(
            {OFFICE: 1_000, MOBILE: 0}, {MOBILE}, {(1, 2), (1, 3), (2, 3), (2, 4)}, id="both"
        ),
    ],
)
def test_what_a_steward_said_of_a_value_counts_in_a_first_fill(
    said: dict[int, int], generic: set[int], pairs: set[tuple[int, int]]
) -> None:
    keys, rows = np.array(HELD, dtype=np.int64).T
    rules = IdentityRules(generic_holders_max=2, said=said)
    found, (left, right) = pairs_under(keys, rows, rules)
    assert found == generic
    assert set(zip(left.tolist(), right.tolist(), strict=True)) == pairs
