import numpy as np
import pytest

from services.linkage.training.household import fit_household_share


def test_pairs_that_share_only_what_households_share_are_counted() -> None:
    # 40 household pairs, 60 matches, 900 that are neither, of a million pairs
    shared = np.r_[np.full(40, 30.0), np.full(60, 30.0), np.full(900, -10.0)]
    total = np.r_[np.full(40, 18.0), np.full(60, 48.0), np.full(900, -20.0)]
    share = fit_household_share(
        shared, total, match_share=60 / 1e6, pair_count=1e6, record_count=1_400
    )
    assert share * 1e6 == pytest.approx(40, rel=0.05)


def test_without_households_the_share_is_small_but_never_zero() -> None:
    nothing = np.zeros(0)
    share = fit_household_share(
        nothing, nothing, match_share=1e-3, pair_count=1e6, record_count=1_000
    )
    assert share == pytest.approx(0.02 / 1_000)
