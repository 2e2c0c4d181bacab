"""A value that passes from one person to the next ties within a tenure only."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.ids import Micros
from services.identity.domain.merge_limit import DAY
from services.identity.domain.stamps import Seen
from services.resolver.resolve.tenure import told_apart
from services.resolver.resolve.units import join_units

PHONE = replace(IdentityRules().types["phone"], strength="decisive", reassigned_after_days=180)
RULES = IdentityRules(types={"phone": PHONE})
TEXT = "phone\x1f*\x1f+441134960123"

Days = tuple[int, int] | None


def units(*held: Days) -> Sequence[tuple[int, ...]]:
    """Of records that hold one phone, each from a day to another; None: nobody knows when."""
    seen = [
        Seen(first=None, last=None)
        if days is None
        else Seen(first=Micros(days[0] * DAY), last=Micros(days[1] * DAY))
        for days in held
    ]
    texts = [frozenset({TEXT})] * len(held)
    return join_units(told_apart(texts, [{TEXT: each} for each in seen], RULES), RULES, []).units


@pytest.mark.parametrize(
    ("held", "joined"),
    [
        pytest.param([(0, 10), (5, 20)], [(0, 1)], id="at-one-time"),
        pytest.param([(0, 10), (190, 200)], [(0, 1)], id="after-a-short-silence"),
        pytest.param([(0, 10), (191, 200)], [(0,), (1,)], id="after-a-long-one"),
        pytest.param([(300, 310), (0, 10), (305, 320)], [(0, 2), (1,)], id="in-any-order"),
        pytest.param([(0, 400), (10, 20), (500, 510)], [(0, 1, 2)], id="one-held-it-all-along"),
        pytest.param([(0, 0), (150, 150), (300, 300)], [(0, 1, 2)], id="never-silent-for-long"),
        pytest.param([(0, 10), None], [(0, 1)], id="unknown-time-and-one-tenure"),
        pytest.param([(0, 10), None, (400, 410)], [(0,), (1,), (2,)], id="unknown-time-and-two"),
        pytest.param([None, None], [(0, 1)], id="no-time-known"),
    ],
)
def test_who_holds_a_phone_after_a_silence_is_somebody_else(
    held: Sequence[Days], joined: Sequence[tuple[int, ...]]
) -> None:
    assert units(*held) == joined


def test_a_type_that_is_never_given_out_again_ties_for_ever() -> None:
    texts = [frozenset({"crm_id\x1fshop\x1f1"})] * 2
    assert told_apart(texts, [], IdentityRules()) is texts
