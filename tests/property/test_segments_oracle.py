"""Polars agrees with DuckDB on every predicate of the language, nulls included."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.identity.domain.events import Scalar
from services.identity.domain.ids import SegmentId
from services.identity.domain.profile import Profile
from services.segments.definition import SegmentDefinition
from services.segments.evaluate import Evaluator
from tests.profile_factory import a_profile

# Small pools, so that equal values, nulls and ties happen.
TEXTS = ("", "a", "A", "ab", "b%", "a_b", "a.b", "(a)", "a\nb")
NUMBERS = (-1.0, 0.0, 0.5, 1.0, 2.0)
TIMES = (0, 1_000_000, 86_400_000_000)
TEXT_FIELDS, NUMBER_FIELDS, TRUTH_FIELDS = ("s", "t"), ("n", "m"), ("p", "q")


@dataclass(frozen=True)
class Said:
    """One predicate in both tongues."""

    plait: str
    sql: str


def same(text: str) -> Said:
    return Said(text, text)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


texts = st.one_of(
    st.sampled_from(TEXT_FIELDS).map(same),
    st.sampled_from(TEXTS).map(quoted).map(same),
    st.sampled_from((*TEXT_FIELDS, "'A'")).map(lambda f: same(f"lower({f})")),
    st.sampled_from(TEXT_FIELDS).map(lambda f: same(f"coalesce({f}, 'a')")),
)
plain_numbers = st.one_of(
    st.sampled_from(NUMBER_FIELDS).map(same),
    st.sampled_from(NUMBERS).map(lambda n: same(str(n))),
    st.sampled_from(("X", "Y")).map(lambda e: Said(f"count('{e}')", f"count_{e}")),
    st.sampled_from(NUMBER_FIELDS).map(lambda f: same(f"coalesce({f}, 0)")),
)
numbers = st.one_of(
    plain_numbers,
    st.tuples(plain_numbers, st.sampled_from("+-*"), plain_numbers).map(
        lambda x: Said(f"({x[0].plait} {x[1]} {x[2].plait})", f"({x[0].sql} {x[1]} {x[2].sql})")
    ),
    plain_numbers.map(lambda x: Said(f"(- {x.plait})", f"(- {x.sql})")),
)
times = st.one_of(
    st.tuples(st.sampled_from(("first", "last")), st.sampled_from(("X", "Y"))).map(
        lambda x: Said(f"{x[0]}('{x[1]}')", f"{x[0]}_{x[1]}")
    ),
)
time_literals = st.sampled_from(TIMES).map(lambda t: same(str(t)))
truths = st.one_of(
    st.sampled_from(TRUTH_FIELDS).map(same),
    st.sampled_from(("TRUE", "FALSE")).map(same),
    st.sampled_from(("X", "Y")).map(lambda e: Said(f"has('{e}')", f"(count_{e} > 0)")),
)
comparators = st.sampled_from(
    ("=", "<>", "!=", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM")
)


def compared(
    sides: st.SearchStrategy[Said], other: st.SearchStrategy[Said]
) -> st.SearchStrategy[Said]:
    return st.tuples(sides, comparators, other).map(
        lambda x: Said(f"{x[0].plait} {x[1]} {x[2].plait}", f"{x[0].sql} {x[1]} {x[2].sql}")
    )


def suffixed(
    sides: st.SearchStrategy[Said], suffixes: st.SearchStrategy[str]
) -> st.SearchStrategy[Said]:
    return st.tuples(sides, suffixes).map(
        lambda x: Said(f"{x[0].plait} {x[1]}", f"{x[0].sql} {x[1]}")
    )


def listed(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.lists(values, min_size=1, max_size=3).map(", ".join)
    return st.tuples(st.sampled_from(("IN", "NOT IN")), lists).map(lambda x: f"{x[0]} ({x[1]})")


nulls = st.sampled_from(("IS NULL", "IS NOT NULL"))
patterns = st.text("aAb%_.(", max_size=4).map(quoted)
atoms = st.one_of(
    compared(texts, texts),
    compared(numbers, numbers),
    compared(times, times | time_literals),
    truths,
    st.tuples(truths, st.sampled_from(("=", "<>", "IS DISTINCT FROM")), truths).map(
        lambda x: Said(f"({x[0].plait} {x[1]} {x[2].plait})", f"({x[0].sql} {x[1]} {x[2].sql})")
    ),
    suffixed(st.sampled_from(TEXT_FIELDS + NUMBER_FIELDS + TRUTH_FIELDS).map(same) | times, nulls),
    suffixed(st.sampled_from(TRUTH_FIELDS).map(same), st.sampled_from(("IS TRUE", "IS NOT TRUE"))),
    suffixed(
        st.sampled_from(TRUTH_FIELDS).map(same), st.sampled_from(("IS FALSE", "IS NOT FALSE"))
    ),
    suffixed(texts, listed(st.sampled_from(TEXTS).map(quoted))),
    suffixed(numbers, listed(st.sampled_from(NUMBERS).map(str))),
    suffixed(
        st.sampled_from((*TEXT_FIELDS, "'a_b'", "coalesce('a', s)")).map(same),
        st.tuples(st.sampled_from(("LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE")), patterns).map(
            " ".join
        ),
    ),
    st.tuples(
        numbers, st.sampled_from(("BETWEEN", "NOT BETWEEN")), plain_numbers, plain_numbers
    ).map(
        lambda x: Said(
            f"{x[0].plait} {x[1]} {x[2].plait} AND {x[3].plait}",
            f"{x[0].sql} {x[1]} {x[2].sql} AND {x[3].sql}",
        )
    ),
)


def joined(inner: st.SearchStrategy[Said]) -> st.SearchStrategy[Said]:
    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        inner.map(lambda x: Said(f"NOT {x.plait}", f"NOT {x.sql}")),
        inner.map(lambda x: Said(f"({x.plait})", f"({x.sql})")),
        inner.map(lambda x: Said(f"({x.plait}) IS NULL", f"({x.sql}) IS NULL")),
        st.tuples(several, st.sampled_from((" AND ", " OR "))).map(
            lambda x: Said(
                x[1].join(each.plait for each in x[0]), x[1].join(each.sql for each in x[0])
            )
        ),
    )


predicates = st.recursive(atoms, joined, max_leaves=6)


def maybe(values: st.SearchStrategy[Scalar]) -> st.SearchStrategy[Scalar]:
    return st.none() | values


@st.composite
def people(draw: st.DrawFn) -> Profile:
    fields: dict[str, Scalar] = {}
    for names, values in (
        (TEXT_FIELDS, st.sampled_from(TEXTS)),
        (NUMBER_FIELDS, st.sampled_from(NUMBERS)),
        (TRUTH_FIELDS, st.booleans()),
    ):
        for name in names:
            if draw(st.booleans()):
                fields[name] = draw(maybe(values))
    events = {
        name: (draw(st.integers(1, 2)), draw(st.sampled_from(TIMES)), draw(st.sampled_from(TIMES)))
        for name in draw(st.sets(st.sampled_from(("X", "Y"))))
    }
    return a_profile(fields=fields, events=events)


# Signatures here name no class of DuckDB's: what keeps them to the end of a run would keep all of
# DuckDB's module, and its bindings tell of that as of a leak.
Oracle = Callable[[str, list[Profile]], list[bool]]


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    """What DuckDB answers to a predicate, for each profile."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        columns = [f"{name} VARCHAR" for name in TEXT_FIELDS]
        columns += [f"{name} DOUBLE" for name in NUMBER_FIELDS]
        columns += [f"{name} BOOLEAN" for name in TRUTH_FIELDS]
        for event in ("X", "Y"):
            columns += [f"count_{event} DOUBLE", f"first_{event} BIGINT", f"last_{event} BIGINT"]
        connection.execute(f"CREATE TABLE people ({', '.join(columns)})")

        def answers(predicate: str, batch: list[Profile]) -> list[bool]:
            connection.execute("DELETE FROM people")
            marks = ", ".join("?" * 12)
            connection.executemany(
                f"INSERT INTO people VALUES ({marks})", [row_of(profile) for profile in batch]
            )
            found = connection.execute(
                f"SELECT coalesce({predicate}, FALSE) FROM people ORDER BY rowid"
            )
            return [bool(answer) for (answer,) in found.fetchall()]

        yield answers


def row_of(profile: Profile) -> list[Scalar]:
    names = TEXT_FIELDS + NUMBER_FIELDS + TRUTH_FIELDS
    row = [profile.fields[n].value if n in profile.fields else None for n in names]
    for event in ("X", "Y"):
        seen = profile.events.get(event)
        row += [seen.count, seen.first, seen.last] if seen else [0, None, None]
    return row


@settings(max_examples=250, deadline=None)
@given(
    said=st.lists(predicates, min_size=1, max_size=4),
    batch=st.lists(people(), min_size=1, max_size=4),
)
def test_polars_and_duckdb_agree(oracle: Oracle, said: list[Said], batch: list[Profile]) -> None:
    evaluator = Evaluator(
        SegmentDefinition(id=SegmentId(str(i)), name="x", predicate=each.plait)
        for i, each in enumerate(said)
    )
    assert evaluator.broken == {}
    found = evaluator.evaluate(batch)
    for i, each in enumerate(said):
        assert [str(i) in segments for segments in found] == oracle(each.sql, batch), each


@given(text=st.text(st.sampled_from("ab'\" ()<>=!,.;:-+*/%_0123NOTANDIS\n"), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    Evaluator([SegmentDefinition(id=SegmentId("s"), name="x", predicate=text)]).evaluate(
        [a_profile()]
    )


WORDS = """
a b 'a' 1 -1 ( ) , = <> < IN NOT AND OR IS NULL TRUE LIKE BETWEEN CASE END SELECT FROM count('x')
has('x') coalesce( lower( DISTINCT ESCAPE INTERVAL DATE EXISTS FILTER OVER ALL ANY within => + - *
channels WHEN THEN AS WITHIN GROUP GLOB UNION WHERE LIMIT
"""


@given(words=st.lists(st.sampled_from(WORDS.split()), max_size=14))
def test_any_run_of_words_is_read_or_refused(words: list[str]) -> None:
    predicate = " ".join(words)
    Evaluator([SegmentDefinition(id=SegmentId("s"), name="x", predicate=predicate)]).evaluate(
        [a_profile(fields={"a": "x", "b": 2})]
    )
