"""Which value survives; no order of records can change it."""

from itertools import permutations

import pytest

from services.identity.domain.ids import Micros, RecordKey
from services.identity.domain.stamps import Stamped
from services.identity.domain.survivorship import (
    LOSING_SHOWN_MAX,
    Candidate,
    Rule,
    Survivorship,
    survive,
)


def said(
    value: str, *, at: int = 1, by: str = "web", key: str = "k", trust: int = 0, dated: bool = True
) -> Candidate:
    stamped = Stamped(value=value, at=Micros(at), by="m", dated=dated)
    return Candidate(stamped=stamped, record=RecordKey(by, "user_id", key), trust=trust)


@pytest.mark.parametrize(
    ("rule", "candidates", "value"),
    [
        pytest.param(Rule.LATEST, [said("old", at=1), said("new", at=2)], "new", id="latest"),
        pytest.param(
            Rule.LATEST,
            [said("file", at=9, dated=False), said("web", at=1)],
            "web",
            id="dated-before-undated",
        ),
        pytest.param(
            Rule.LATEST,
            [said("x", at=9, key="a", dated=False), said("y", at=1, key="b", dated=False)],
            "y",
            id="a-load's-instant-decides-nothing",
        ),
        pytest.param(
            Rule.LATEST, [said("x", trust=1, key="a"), said("y", key="b")], "x", id="tie-by-trust"
        ),
        pytest.param(
            Rule.LATEST, [said("x", key="a"), said("y", key="b")], "y", id="tie-by-record-key"
        ),
        pytest.param(
            Rule.SOURCE_TRUST, [said("x", trust=2), said("y", at=9)], "x", id="source-trust"
        ),
        pytest.param(
            Rule.MOST_FREQUENT,
            [said("x", key="a"), said("x", key="b"), said("y", at=9, key="c")],
            "x",
            id="most-frequent",
        ),
        pytest.param(Rule.LONGEST, [said("Street"), said("St", at=9)], "Street", id="longest"),
    ],
)
def test_one_value_survives_in_any_order(
    rule: Rule, candidates: list[Candidate], value: str
) -> None:
    for order in permutations(candidates):
        field = survive(order, rule)
        assert (field.value, field.rule) == (value, rule.value)
        assert field == survive(candidates, rule)


def test_losing_values_are_shown_newest_first_and_bounded() -> None:
    candidates = [said(f"v{n}", at=n, key=str(n)) for n in range(LOSING_SHOWN_MAX + 5)]
    field = survive([*candidates, said("v14", at=0)], Rule.LATEST)
    assert [losing.value for losing in field.losing] == [
        f"v{n}" for n in range(LOSING_SHOWN_MAX + 3, 3, -1)
    ]


def test_an_undated_value_has_no_time() -> None:
    assert survive([said("x", dated=False)], Rule.LATEST).at is None


def test_fields_have_rules_of_their_own() -> None:
    rules = Survivorship(default=Rule.LATEST, fields={"city": Rule.LONGEST})
    assert (rules.rule_for("city"), rules.rule_for("plan")) == (Rule.LONGEST, Rule.LATEST)
