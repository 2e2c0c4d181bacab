"""Ids follow records: who is a profile named after, and what happened to it."""

from itertools import permutations

import pytest

from services.identity.domain.cluster import (
    Attach,
    Change,
    Create,
    Delete,
    Merge,
    Reanchored,
    Split,
    anchor,
    anchored_id,
    plan,
)
from services.identity.domain.ids import Micros, ProfileId, RecordKey, profile_id_of

ANN, BEN, CAT = (RecordKey("web", "user_id", name) for name in ("ann", "ben", "cat"))
ONE, TWO, NEW = (ProfileId(name) for name in ("one", "two", "zero"))


@pytest.mark.parametrize(
    ("records", "named_after"),
    [
        pytest.param([(BEN, 1), (ANN, 2)], BEN, id="the-earliest"),
        pytest.param([(BEN, 1), (ANN, 1)], ANN, id="at-equal-time-the-smaller-key"),
        pytest.param([(ANN, None), (BEN, 9)], BEN, id="a-dated-one-before-undated"),
        pytest.param([(ANN, None), (BEN, -9)], BEN, id="before-1970-is-dated-too"),
        pytest.param([(BEN, None), (ANN, None)], ANN, id="undated-by-key"),
    ],
)
def test_a_profile_is_named_after_its_anchor(
    records: list[tuple[RecordKey, Micros | None]], named_after: RecordKey
) -> None:
    for order in permutations(records):
        assert anchor(order) == named_after
        assert anchored_id(order) == profile_id_of(named_after)


Where = dict[RecordKey, ProfileId | None]


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        pytest.param({ANN: None}, {ANN: ONE}, [Create(profile=ONE)], id="create"),
        pytest.param({ANN: ONE}, {ANN: ONE}, [], id="nothing"),
        pytest.param(
            {ANN: ONE, BEN: None},
            {ANN: ONE, BEN: ONE},
            [Attach(profile=ONE, records=(BEN,))],
            id="attach",
        ),
        pytest.param(
            {ANN: ONE, BEN: TWO},
            {ANN: ONE, BEN: ONE},
            [Merge(survivor=ONE, absorbed=(TWO,))],
            id="merge",
        ),
        pytest.param(
            {ANN: ONE, BEN: ONE},
            {ANN: ONE, BEN: TWO},
            [Split(origin=ONE, into=(ONE, TWO))],
            id="split",
        ),
        pytest.param(
            {ANN: ONE, BEN: ONE},
            {ANN: NEW, BEN: NEW},
            [Reanchored(old=ONE, new=NEW)],
            id="reanchored",
        ),
        pytest.param(
            {ANN: ONE, BEN: None},
            {ANN: NEW, BEN: NEW},
            [Reanchored(old=ONE, new=NEW), Attach(profile=NEW, records=(BEN,))],
            id="reanchored-by-a-new-record",
        ),
        pytest.param({ANN: ONE}, {ANN: None}, [Delete(profile=ONE)], id="delete"),
        pytest.param({ANN: None}, {ANN: None}, [], id="never-anyone's"),
        pytest.param(
            {ANN: ONE, BEN: ONE, CAT: TWO},
            {ANN: ONE, BEN: TWO, CAT: TWO},
            [Split(origin=ONE, into=(ONE, TWO))],
            id="a-record-moves-between-people",
        ),
    ],
)
def test_what_happened_is_told_in_one_way(
    before: Where, after: Where, changes: list[Change]
) -> None:
    for order in permutations(before):
        assert plan({key: before[key] for key in order}, after) == changes
