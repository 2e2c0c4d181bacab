"""What may stand in a predicate, and where and how everything else is refused."""

import pytest

from services.identity.domain.errors import UsageError
from services.segments.catalogue import Catalogue
from services.segments.predicate import parse_predicate
from services.segments.tree import (
    Comparator,
    Comparison,
    Constant,
    IsNull,
    Leaf,
    LeafKind,
    Negation,
    ValueType,
)

ACCEPTED = {
    "a field against a text": "city = 'Leeds'",
    "a field against a number": "price > 10",
    "a negative number": "price > -10.5",
    "null tests": "plan IS NOT NULL AND city IS NULL",
    "event functions": "count('Order Completed') >= 2 AND has('Product Held')",
    "event times": "first('A') < '2026-01-31' AND last('A') >= '2026-01-31T09:30:00Z'",
    "a time as microseconds": "last('A') >= 1700000000000000",
    "a date literal": "last('A') >= DATE '2026-01-31' AND first('A') < TIMESTAMP '2026-01-31'",
    "holdings and consents": "holds('tv') AND NOT held('phone') AND consents('news','email')",
    "lists": "'web' IN channels AND 'billing' IN sources",
    "built-ins": "record_count > 1 AND confidence >= 0.9 AND NOT ambiguous",
    "a list of literals": "city IN ('Leeds', 'York') OR price NOT IN (-1, 2)",
    "patterns": "name LIKE 'A%' AND name NOT ILIKE '_b'",
    "between": "price BETWEEN 1 AND 2 AND price NOT BETWEEN 5 AND 6",
    "null-safe comparison": "city IS DISTINCT FROM 'Leeds' AND plan IS NOT DISTINCT FROM 'a'",
    "truth tests": "is_vip IS TRUE OR is_vip IS NOT FALSE",
    "arithmetic": "count('A') + 2 * count('B') - 1 >= 3",
    "text functions": "lower(city) = 'leeds' AND coalesce(plan, '') <> upper(city)",
    "a bare field as truth": "is_vip AND NOT is_staff",
    "conditions compared": "(price > 1) = (cost > 2)",
    "a constant": "TRUE",
    "comments": "city = 'Leeds' -- where she lives\n AND /* for now */ TRUE",
    "a quoted name with a dot": "\"address.city\" = 'Leeds'",
    "keywords as fields": "date > 3 AND type = 'a' AND status = 'x' AND language = 'y'",
    "presence beside a number": "price IS NOT NULL AND price > 3",
    "fields in a default": "n = n AND m = coalesce(n, k, 0) AND k = k",
    "a truth that is compared before": "p = q AND p AND (r = p OR NOT s) AND s = t",
    "as many brackets as fit": "(" * 25 + "x" + ")" * 25,
    "as many NOTs as fit": "NOT " * 49 + "x",
    "fields that meet a number elsewhere": "a = b AND b = c AND c > 3",
    "a field that meets a number later": "n = n AND n = -1",
    "many terms side by side": " AND ".join(["a = 1"] * 400),
}


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_is_part_of_the_language(text: str) -> None:
    parse_predicate(text)


REFUSED = {
    "a subquery": ("x IN (SELECT 1)", "at 1:1", "list of literals"),
    "a statement": ("SELECT 1", "at 1:8", "a condition is needed"),
    "a second statement": ("x = 1; y = 2", "at 1:6", "may not stand here"),
    "exists": ("EXISTS (SELECT 1)", "at 1:", "may not stand here"),
    "a cast": ("x::int = 2", "at 1:2", "may not stand here"),
    "a cast by function": ("cast(x AS int) = 2", "at 1:1", "unknown function 'cast'"),
    "a parameter": ("x = $1", "at 1:5", "may not stand here"),
    "a question mark": ("x = ?", "at 1:5", "may not stand here"),
    "an index": ("x[1] = 2", "at 1:2", "may not stand here"),
    "a struct": ("x = {a: 1}", "at 1:5", "may not stand here"),
    "a regular expression": ("x ~ 'a'", "at 1:3", "may not stand here"),
    "case": ("CASE WHEN x THEN 1 END", "at 1:6", "cannot be read"),
    "a file function": ("read_csv('/etc/passwd') = 1", "at 1:1", "unknown function"),
    "the environment": ("getenv('HOME') = 'x'", "at 1:1", "unknown function"),
    "an interval": ("x = INTERVAL 3 days", "at 1:", "INTERVAL may not stand here"),
    "a column of a table": ("x = 1\n  AND t.y = 2", "at 2:8", "quote a name with a dot"),
    "a tuple": ("(a, b) = (1, 2)", "at 1:2", "TUPLE may not stand here"),
    "division": ("a / b > 1", "at 1:3", "may not stand here"),
    "null compared": ("x = NULL", "at 1:1", "NULL may stand after IS"),
    "null in a list": ("x IN (1, NULL)", "at 1:1", "NULL in a list"),
    "a field in a list": ("x IN (y)", "at 1:7", "only literals"),
    "an empty list": ("x IN ()", "at 1:1", "list of literals"),
    "text against number": ("count('A') = 'x'", "at 1:1", "a number and a text cannot be compared"),
    "a list of two types": ("x IN (1, 'a')", "at 1:1", "cannot be compared"),
    "one field as two types": ("price > 1 AND price = 'x'", "at 1:15", "used as a number at 1:1"),
    "no time": ("first('A') > 'yesterday'", "at 1:14", "a time is written like"),
    "half a microsecond": ("first('A') > 1.5", "at 1:14", "whole microseconds"),
    "truths in order": ("has('A') > TRUE", "at 1:1", "have no order"),
    "a number as a condition": ("count('A')", "at 1:1", "a boolean is needed here"),
    "a text as a condition": ("'A'", "at 1:1", "a condition is needed"),
    "a list compared": ("channels = 'web'", "at 1:1", "channels is a list"),
    "a field after a name and in": ("'web' IN city", "at 1:10", "channels, sources"),
    "a wrong count of arguments": ("consents('news')", "at 1:1", "consents('purpose', 'channel')"),
    "a field as an argument": ("has(x)", "at 1:1", "has is used like has('event')"),
    "a star": ("count(*) > 1", "at 1:1", "count is used like count('event')"),
    "an unknown function": ("hass('x')", "at 1:1", "known are has,"),
    "a window": ("TRUE AND count('x', within => '30 days') > 1", "at 1:21", "not yet possible"),
    "an escape": ("x LIKE 'a' ESCAPE '!'", "at 1:1", "ESCAPE may not stand here"),
    "an open quote": ("x = 'abc", "at 1:5", "not closed"),
    "an alias": ("x = 1 y", "at 1:1", "ALIAS may not stand here"),
    "nothing": ("", "at 1:1", "one condition is needed"),
    "only a comment": ("-- nothing", "at 1:1", "one condition is needed"),
    "infinity": ("x > 1e999", "at 1:5", "too large"),
}


@pytest.mark.parametrize(("text", "place", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_is_refused_with_its_place_and_a_reason(text: str, place: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_predicate(text)
    assert place in str(caught.value)
    assert reason in str(caught.value)


TOO_DEEP = {
    "brackets": "(" * 26 + "x" + ")" * 26,
    "nots": "NOT " * 60 + "x",
    "brackets and nots": "NOT (" * 26 + "x" + ")" * 26,
    "functions": "lower(" * 26 + "x" + ")" * 26 + " = 'a'",
    "a sum": "+".join(["1"] * 60) + " > 2",
    "a long sum": "+".join(["1"] * 1900) + " > 2",
    "minus signs": "x = " + "- " * 60 + "1",
    "comparisons": " = ".join(["x"] * 60),
    "as deep as fits": "(" * 1990 + "x" + ")" * 1990,
    "null tests": "x" + " IS NULL" * 400,
}


@pytest.mark.parametrize("text", TOO_DEEP.values(), ids=TOO_DEEP.keys())
def test_depth_is_bounded_before_recursion(text: str) -> None:
    with pytest.raises(UsageError, match=r"nested more than (25|50) deep"):
        parse_predicate(text)


SLOW = {
    "nested defaults": "coalesce(a, " * 25 + "1" + ")" * 25 + " > 2",
    "a chain of fields, the type last": " AND ".join(f"f{i}=f{i + 1}" for i in range(250))
    + " AND f250 > 1",
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW.keys())
@pytest.mark.timeout(5)
def test_reading_takes_no_time_that_doubles_with_depth(text: str) -> None:
    parse_predicate(text)


def test_length_is_bounded() -> None:
    with pytest.raises(UsageError, match="at most 4000 characters; this one has 4001"):
        parse_predicate("x".ljust(4001))


def test_an_error_never_repeats_a_quoted_text() -> None:
    with pytest.raises(UsageError) as caught:
        parse_predicate("count('A') = 'zoe@example.org'")
    assert "zoe" not in str(caught.value)


def test_a_catalogue_refuses_unknown_fields_and_names_the_nearest_first() -> None:
    catalogue = Catalogue(fields={"city": ValueType.TEXT, "plan": None})
    with pytest.raises(UsageError, match="at 1:1: unknown field 'cty'; known are city, "):
        parse_predicate("cty = 'Leeds'", catalogue=catalogue)
    with pytest.raises(UsageError, match="unknown field 'cty'"):
        parse_predicate("cty IS NULL", catalogue=catalogue)


def test_a_catalogue_knows_the_type_of_a_field() -> None:
    catalogue = Catalogue(fields={"city": ValueType.TEXT})
    with pytest.raises(UsageError, match="a number and a text cannot be compared"):
        parse_predicate("city > 3", catalogue=catalogue)
    with pytest.raises(UsageError, match="a boolean is needed here; field 'city' is a text"):
        parse_predicate("NOT city", catalogue=catalogue)


def test_a_quoted_name_is_a_field_even_where_a_built_in_has_that_name() -> None:
    found = parse_predicate("\"confidence\" = 'high'")
    field = Leaf(LeafKind.FIELD, ValueType.TEXT, ("confidence",))
    assert found == Comparison(Comparator.EQUAL, field, Constant("high"))


def test_presence_is_asked_of_the_value_whatever_its_type() -> None:
    found = parse_predicate("price IS NOT NULL")
    field = Leaf(LeafKind.FIELD, ValueType.TEXT, ("price",))
    assert found == Negation(IsNull(field))
