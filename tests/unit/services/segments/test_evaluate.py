"""Who is in which segment: nulls, what leaves read, and broken definitions."""

from collections.abc import Mapping

import polars as pl
import pytest

from services.identity.domain.events import Scalar
from services.identity.domain.ids import RecordKey, SegmentId
from services.identity.domain.profile import Profile
from services.segments import evaluate
from services.segments.catalogue import BUILT_INS, FUNCTIONS, Catalogue
from services.segments.compile import compile_node, leaves
from services.segments.definition import SegmentDefinition
from services.segments.evaluate import Evaluator
from services.segments.tree import Leaf, Node, ValueType
from tests.profile_factory import SECOND, T0, a_consent, a_holding, a_profile


def a_segment(predicate: str, *, name: str = "s") -> SegmentDefinition:
    return SegmentDefinition(id=SegmentId(name), name=name, predicate=predicate)


def is_member(predicate: str, profile: Profile) -> bool:
    evaluator = Evaluator([a_segment(predicate)])
    assert evaluator.broken == {}
    (segments,) = evaluator.evaluate([profile])
    return bool(segments)


ANN = a_profile(
    fields={"city": "Leeds", "price": "12.50", "age": 41, "is_vip": True, "joined": "2024-02-01"},
    events={"Order Completed": (3, T0, T0 + 60 * SECOND)},
    holdings=[
        a_holding("Sport Max", line_of_business="tv"),
        a_holding("Fibre 100", line_of_business="broadband", active=False),
    ],
    consents=[
        a_consent("marketing", "*", granted=True, at=1),
        a_consent("marketing", "sms", granted=False, at=2),
        a_consent("surveys", "email", granted=True, at=5),
        a_consent("surveys", "*", granted=False, at=5),
    ],
    records=[RecordKey("web", "user_id", "u-1"), RecordKey("bills", "account_number", "4401")],
    confidence=0.93,
)

TRUE = {
    "a text": "city = 'Leeds'",
    "a text of digits as a number": "price > 12 AND price < 13",
    "a number as a text": "age = '41'",
    "a truth": "is_vip AND is_vip IS TRUE",
    "a truth as a text": "is_vip = 'true'",
    "a date as a time": "joined >= DATE '2024-02-01' AND joined < DATE '2024-02-02'",
    "a count": "count('Order Completed') = 3",
    "a count of what never was": "count('Refund') = 0 AND NOT has('Refund')",
    "event times": "first('Order Completed') = '2023-11-14T22:13:20Z'",
    "last against microseconds": f"last('Order Completed') = {T0 + 60 * SECOND}",
    "a product held": "holds('sport max') AND holds(' TV ')",
    "a product no longer held": "NOT holds('broadband') AND held('Fibre 100')",
    "consent by any channel": "consents('marketing', 'email')",
    "a later no for one channel": "NOT consents('marketing', 'sms')",
    "the most restrictive at one instant": "NOT consents('surveys', 'email')",
    "no statement is no": "NOT consents('profiling', 'email')",
    "records and sources": "record_count = 2 AND source_count = 2 AND 'bills' IN sources",
    "a source without a channel": "'web' IN channels AND channel_count = 2",
    "confidence": "confidence > 0.9 AND NOT ambiguous AND NOT provisional",
    "when first seen": "first_seen <= last_seen",
    "a pattern": "city LIKE 'L__d%' AND city NOT LIKE 'l%' AND city ILIKE 'l%'",
    "a literal dot in a pattern": "price LIKE '12.5_' AND price NOT LIKE '12_.%'",
    "a default": "coalesce(middle_name, 'none') = 'none'",
    "text functions": "upper(lower(city)) = 'LEEDS'",
    "arithmetic": "count('Order Completed') * 2 - 1 = 5 AND -age < 0",
    "null-safe inequality": "middle_name IS DISTINCT FROM 'A'",
    "constants": "TRUE AND 1 = 1",
}


@pytest.mark.parametrize("predicate", TRUE.values(), ids=TRUE.keys())
def test_is_true_of_ann(predicate: str) -> None:
    assert is_member(predicate, ANN)
    assert not is_member(f"NOT ({predicate})", ANN)


UNKNOWN = {
    "a missing field": "middle_name = 'A'",
    "a missing field, negated": "NOT middle_name = 'A'",
    "a missing field, unequal": "middle_name <> 'A'",
    "a missing field in a list": "middle_name IN ('A')",
    "a missing field not in a list": "middle_name NOT IN ('A')",
    "a missing field in a pattern": "middle_name NOT LIKE 'A%'",
    "a text that is no number": "city > 3 OR NOT city > 3",
    "the last of what never was": "last('Refund') > '2020-01-01' OR last('Refund') <= '2020-01-01'",
    "unknown and true": "middle_name = 'A' AND TRUE",
    "unknown or false": "middle_name = 'A' OR FALSE",
    "arithmetic with unknown": "missing + 1 > 0 OR missing + 1 <= 0",
}


@pytest.mark.parametrize("predicate", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_unknown_is_no_member_and_neither_is_its_negation(predicate: str) -> None:
    assert not is_member(predicate, ANN)
    assert not is_member(f"NOT ({predicate})", ANN)


SEEN: dict[str, tuple[Scalar, bool, bool, bool]] = {
    "a digit as text": ("7", True, True, False),
    "a whole number": (7, True, True, False),
    "a decimal without decimals": (7.0, True, True, False),
    "text with decimals": ("7.0", False, True, False),
    "true as text": ("true", False, False, True),
    "true": (True, False, False, True),
    "digits with an underscore": ("1_0", False, False, False),
    "nan as text": ("nan", False, False, False),
    "nan": (float("nan"), False, False, False),
    "beyond every float": (10**400, False, False, False),
    "nothing": (None, False, False, False),
}


@pytest.mark.parametrize(("value", "text", "number", "truth"), SEEN.values(), ids=SEEN.keys())
def test_a_value_is_seen_as_the_type_it_is_used_as(
    value: Scalar, *, text: bool, number: bool, truth: bool
) -> None:
    profile = a_profile(fields={"x": value})
    assert is_member("x = '7'", profile) is text
    assert is_member("x = 7", profile) is number
    assert is_member("x = TRUE", profile) is truth


def test_sources_are_seen_through_their_channels() -> None:
    evaluator = Evaluator(
        [a_segment("'billing' IN channels AND NOT 'bills' IN channels")],
        channels={"bills": "billing"},
    )
    assert evaluator.evaluate([ANN]) == [frozenset({"s"})]


def test_a_broken_definition_takes_no_other_down() -> None:
    evaluator = Evaluator([a_segment("city = ", name="bad"), a_segment("TRUE", name="good")])
    assert evaluator.evaluate([ANN, ANN]) == [frozenset({"good"})] * 2
    assert evaluator.segments == {"good"}
    assert "at 1:6" in evaluator.broken[SegmentId("bad")]


def test_a_predicate_that_polars_refuses_takes_no_other_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def compile_wrongly(node: Node, names: Mapping[Leaf, str]) -> pl.Expr:
        is_marked = any("marked" in leaf.arguments for leaf in leaves(node))
        return pl.col("nowhere") if is_marked else compile_node(node, names)

    monkeypatch.setattr(evaluate, "compile_node", compile_wrongly)
    evaluator = Evaluator([a_segment("marked", name="bad"), a_segment("TRUE", name="good")])
    for _ in range(2):
        assert evaluator.evaluate([ANN]) == [frozenset({"good"})]
    assert evaluator.segments == {"good"}
    assert "cannot be evaluated" in evaluator.broken[SegmentId("bad")]


def test_a_column_that_is_null_throughout_is_no_reason_to_refuse() -> None:
    evaluator = Evaluator([a_segment("-1.0 <> -coalesce(unheard_of, 0)")])
    assert evaluator.evaluate([a_profile(), a_profile()]) == [frozenset({"s"})] * 2
    assert evaluator.broken == {}


def test_the_largest_pattern_can_be_matched() -> None:
    assert not is_member(f"city LIKE '{'_%' * 1900}'", ANN)


def test_a_catalogue_breaks_what_names_unknown_fields() -> None:
    evaluator = Evaluator(
        [a_segment("cty = 'Leeds'")], catalogue=Catalogue(fields={"city": ValueType.TEXT})
    )
    assert "unknown field 'cty'" in evaluator.broken[SegmentId("s")]


def test_no_profiles_and_no_segments() -> None:
    assert Evaluator([]).evaluate([ANN, ANN]) == [frozenset(), frozenset()]
    assert Evaluator([a_segment("TRUE")]).evaluate([]) == []


def test_every_built_in_can_be_read() -> None:
    for name, kind in BUILT_INS.items():
        assert is_member(f"{name} IS NOT NULL", ANN), (name, kind)


def test_every_function_can_be_read() -> None:
    for name, function in FUNCTIONS.items():
        assert is_member(f"{function.usage(name)} IS NULL OR TRUE", ANN), name


def test_thousands_of_terms_do_not_exhaust_the_stack() -> None:
    terms = " OR ".join(["a=1"] * 560)
    assert is_member(f"{terms} OR TRUE", ANN)
