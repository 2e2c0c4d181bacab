from dataclasses import replace

import numpy as np
import pytest

from services.identity.domain.weights import Kinship
from services.linkage.training.household import Fitted, RelativesEvidence, fit_kinship
from services.linkage.training.pairs import Floats


def fit(evidence: list[tuple[int, float, float, float, float]], *, matches: int) -> Kinship:
    """From (pairs, shared, born, given, all evidence) of a million pairs."""
    columns: list[Floats] = [
        np.repeat([row[column] for row in evidence], [row[0] for row in evidence]).astype(float)
        for column in range(1, 5)
    ]
    shared, born, given, total = columns
    return fit_kinship(
        RelativesEvidence(shared=shared, born=born, given=given, total=total, contacts={}),
        match_share=matches / 1e6,
        pair_count=1e6,
        record_count=1_400,
    ).kinship


MATCHES = (60, 30.0, 12.0, 8.0, 50.0)
STRANGERS = (900, -10.0, -4.0, -4.0, -18.0)


def test_pairs_that_share_only_what_households_share_are_counted() -> None:
    found = fit([(40, 30.0, -4.0, -6.0, 20.0), MATCHES, STRANGERS], matches=60)
    assert found.household * 1e6 == pytest.approx(40, rel=0.05)
    assert found.twins == pytest.approx(found.household / 100, rel=0.01)


def test_twins_and_namesakes_are_counted_apart_from_other_relatives() -> None:
    twins, namesakes = (12, 30.0, 12.0, -9.0, 33.0), (7, 30.0, -9.0, 8.0, 29.0)
    found = fit([(40, 30.0, -9.0, -9.0, 12.0), twins, namesakes, MATCHES, STRANGERS], matches=60)
    assert found.household * 1e6 == pytest.approx(40, rel=0.1)
    assert found.twins * 1e6 == pytest.approx(12, rel=0.1)
    assert found.namesakes * 1e6 == pytest.approx(7, rel=0.1)


def test_without_households_the_share_is_small_but_never_zero() -> None:
    found = fit([], matches=1_000)
    assert found.household == pytest.approx(0.02 / 1_400)
    assert found.twins == found.namesakes == pytest.approx(found.household / 100)


def test_relatives_who_seldom_share_a_telephone_leave_it_as_evidence() -> None:
    """Ten of forty pairs of relatives have one telephone, all matches have."""
    phone = np.repeat([10.0, -8.0, 10.0, -2.0], [10, 30, 60, 900])
    rest = np.repeat([25.0, 25.0, 25.0, -10.0], [10, 30, 60, 900])
    personal = np.repeat([-9.0, -9.0, 12.0, -8.0], [10, 30, 60, 900])
    found = fit_kinship(
        RelativesEvidence(
            shared=rest + phone,
            born=None,
            given=None,
            total=rest + phone + personal,
            contacts={"f0": (phone, np.ones(len(phone), dtype=np.bool_))},
        ),
        match_share=60 / 1e6,
        pair_count=1e6,
        record_count=1_400,
    )
    assert found.contact_shares["f0"] == pytest.approx(0.25, abs=0.03)
    assert found.kinship.household * 1e6 == pytest.approx(40, rel=0.1)


@pytest.mark.parametrize(("relatives", "share"), [(400, 0.5), (4, 0.05)])
def test_relatives_share_the_number_of_a_person_only_where_many_are_seen_to(
    relatives: int, share: float
) -> None:
    """Half of them have one number; four pairs of relatives are too few to say so."""
    pairs = [relatives // 2, relatives // 2, 60, 900]
    number = np.repeat([10.0, -8.0, 10.0, -2.0], pairs)
    rest = np.repeat([25.0, 25.0, 25.0, -10.0], pairs)
    personal = np.repeat([-20.0, -20.0, 12.0, -8.0], pairs)
    found = fit_kinship(
        RelativesEvidence(
            shared=rest + number,
            born=None,
            given=None,
            total=rest + number + personal,
            contacts={"n0": (number, np.ones(len(number), dtype=np.bool_))},
            numbers=("n0",),
        ),
        match_share=60 / 1e6,
        pair_count=1e6,
        record_count=1_400,
    )
    assert found.contact_shares["n0"] == pytest.approx(share, abs=0.1)
    assert found.kinship.household * 1e6 == pytest.approx(max(relatives, 14), rel=0.2)


@pytest.mark.parametrize(
    ("sharing", "counts"),
    [pytest.param(360, True, id="most"), pytest.param(120, False, id="three-in-ten")],
)
def test_a_category_is_of_relatives_only_where_most_share_it(*, sharing: int, counts: bool) -> None:
    """Four hundred pairs of relatives, who differ in all that is one person's."""
    pairs = [sharing, 400 - sharing, 60, 900]
    doctor = np.repeat([4.0, -2.0, 4.0, -1.0], pairs)
    rest = np.repeat([25.0, 25.0, 25.0, -10.0], pairs)
    personal = np.repeat([-20.0, -20.0, 12.0, -8.0], pairs)
    evidence = RelativesEvidence(
        shared=rest,
        born=None,
        given=None,
        total=rest + doctor + personal,
        contacts={},
        numbers=("k0",),
        perhaps={"k0": (doctor, np.ones(len(doctor), dtype=np.bool_))},
    )

    def fit_of(seen: RelativesEvidence) -> Fitted:
        return fit_kinship(seen, match_share=60 / 1e6, pair_count=1e6, record_count=1_400)

    found = fit_of(evidence)
    assert ("k0" in found.contact_shares) is counts
    if not counts:
        assert found == fit_of(replace(evidence, perhaps={}))
