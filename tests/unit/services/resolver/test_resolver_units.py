"""Which records decisive identifiers join before any weight is asked."""

from itertools import permutations

import pytest

from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.merge_limit import Held, MergeLimit
from services.identity.domain.stamps import Seen
from services.resolver.resolve.limits import Limit, limits_of, refusal
from services.resolver.resolve.units import Vetoes, join_units

RULES = IdentityRules()
UNDATED = Seen(first=None, last=None)


def holding(*texts: str) -> frozenset[str]:
    """Identifiers of the workspace shop, written type:value."""
    return frozenset("{}\x1fshop\x1f{}".format(*text.split(":")) for text in texts)


def units_of(*records: frozenset[str], vetoes: Vetoes | None = None) -> object:
    limits = limits_of([dict.fromkeys(texts, UNDATED) for texts in records], RULES)
    return join_units(records, RULES, limits + (vetoes.as_limits() if vetoes else [])).units


@pytest.mark.parametrize(
    ("records", "units"),
    [
        pytest.param([holding("crm_id:1"), holding("crm_id:2")], [(0,), (1,)], id="nothing-shared"),
        pytest.param([holding("crm_id:1"), holding("crm_id:1")], [(0, 1)], id="shared"),
        pytest.param(
            [holding("crm_id:1"), holding("crm_id:1", "crm_id:2"), holding("crm_id:2")],
            [(0, 1, 2)],
            id="through-a-third",
        ),
        pytest.param(
            [holding("user_id:a", "crm_id:1"), holding("user_id:b", "crm_id:1")],
            [(0,), (1,)],
            id="two-user-ids-demote-the-crm-id",
        ),
        pytest.param(
            [
                holding("user_id:a", "anonymous_id:d"),
                holding("anonymous_id:d", "crm_id:1"),
                holding("user_id:b", "crm_id:1"),
            ],
            [(0,), (1, 2)],
            id="crm-id-goes-before-anonymous-id",
        ),
        pytest.param(
            [
                holding("user_id:a", "crm_id:2"),
                holding("crm_id:1", "crm_id:2"),
                holding("user_id:b", "crm_id:1"),
            ],
            [(0,), (1, 2)],
            id="of-one-type-the-smaller-value",
        ),
    ],
)
def test_units_are_joined_by_priority(
    records: list[frozenset[str]], units: list[tuple[int, ...]]
) -> None:
    assert units_of(*records) == units


@pytest.mark.parametrize(
    "vetoes",
    [
        pytest.param(
            Vetoes.of(["billing", "web", "billing"], [None] * 3, unique=["billing"]),
            id="a-unique-source",
        ),
        pytest.param(Vetoes.of(["web"] * 3, ["jr", None, "sr"], unique=[]), id="two-generations"),
    ],
)
def test_a_veto_holds_in_a_whole_unit(vetoes: Vetoes) -> None:
    records = (holding("crm_id:1"), holding("crm_id:1", "crm_id:2"), holding("crm_id:2"))
    assert units_of(*records, vetoes=vetoes) == [(0, 1), (2,)]
    assert vetoes.among([0, 1, 2]).tolist() == [
        [False, False, True],
        [False, False, False],
        [True, False, False],
    ]


def test_a_demotion_says_why() -> None:
    records = [holding("user_id:a", "crm_id:1"), holding("user_id:b", "crm_id:1")]
    limits = limits_of([dict.fromkeys(texts, UNDATED) for texts in records], RULES)
    (demoted,) = join_units(records, RULES, limits).demoted
    assert (demoted.identifier_type, demoted.scope) == ("crm_id", "shop")
    assert demoted.reason == "more than 1 user_id"


def test_a_limit_counts_distinct_values_over_both_sides() -> None:
    values = [frozenset({Held(value, None)}) for value in "aab"]
    limit = Limit(name="user_id", most=MergeLimit(values_max=1), values=values)
    assert refusal([0], [1], [limit]) is None
    assert refusal([0, 1], [2], [limit]) == "more than 1 user_id"


def test_the_order_in_which_a_record_holds_its_identifiers_is_nothing() -> None:
    texts = sorted(holding("crm_id:1", "user_id:a", "anonymous_id:d", "account_number:4"))
    found = [
        limits_of(
            [dict.fromkeys(order, UNDATED), dict.fromkeys(holding("user_id:b"), UNDATED)], RULES
        )
        for order in permutations(texts)
    ]
    assert all(each == found[0] for each in found)
