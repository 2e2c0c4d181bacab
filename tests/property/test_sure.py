"""What is told without the database is what its SQL says of all pairs."""

from collections.abc import Iterator
from random import Random

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.identity.domain.kinds import Kind
from services.linkage import bounds, score
from services.linkage.columns import FeatureColumns
from services.linkage.conditions import Unreadable, parse
from services.linkage.edits import edits_up_to
from services.linkage.features import Features, FeatureSpec
from services.linkage.letters import Texts
from services.linkage.score import FeatureTable, PairScorer
from services.linkage.sure import UNSURE, SureLevels
from tests.factories import untrained_model
from tests.linkage_factory import FIELDS

SPEC = FeatureSpec(
    fields=(*FIELDS, ("full_name", Kind.FULL_NAME)), has_rest=True, has_generation=True
)
SEEDS = ("anna", "annabel", "1987-03-12", "12 high st", "a", "jo", "müller", "王小明", "王", "")
LONG = "abcdefghij" * 7


@pytest.fixture(scope="module")
def scorer() -> Iterator[PairScorer]:
    scorer = PairScorer(untrained_model(dict(SPEC.fields)))
    yield scorer
    scorer.close()


def slip(random: Random, text: str) -> str:
    """One edit, a swap across a letter, the end cut off, or nothing."""
    letters = list(text)
    at = random.randrange(len(letters) + 1)
    match random.randrange(6):
        case 0:
            letters.insert(at, random.choice("ab1é"))
        case 1:
            del letters[at : at + 1]
        case 2:
            letters[at : at + 1] = random.choice("ab1é")
        case 3:
            letters[at : at + 3] = reversed(letters[at : at + 3])
        case 4:
            letters = letters[:1]
        case _:
            pass
    return "".join(letters)


def drawn(random: Random, records: int, columns: dict[str, bool]) -> list[Features]:
    """Columns out of one small pool of texts that resemble each other, many of them null."""
    pool = [slip(random, slip(random, random.choice(SEEDS))) for _ in range(12)]
    pool += [*random.sample(SEEDS, 3), LONG, LONG + "a"]
    rows: list[Features] = []
    for _ in range(records):
        row: Features = {}
        for name, is_list in columns.items():
            if random.random() < 0.2:
                continue
            texts = random.choices(pool, k=random.randrange(4))
            row[name] = texts if is_list else random.choice(pool)
        if random.random() < 0.2 and "g" in row and "s" in row:
            row["g"], row["s"] = row["s"], row["g"]
        rows.append(row)
    return rows


@pytest.mark.parametrize("counted_min", [1, 1_000], ids=["edits counted here", "or by DuckDB"])
@pytest.mark.parametrize("seed", range(2))
def test_every_level_is_what_the_sql_of_all_pairs_says(
    scorer: PairScorer, monkeypatch: pytest.MonkeyPatch, seed: int, counted_min: int
) -> None:
    monkeypatch.setattr(score, "SURE_PAIRS_MIN", 1)
    monkeypatch.setattr(bounds, "COUNTED_MIN", counted_min)
    monkeypatch.setattr("services.linkage.sure.PAIRS_AT_ONCE_MAX", 2_500)
    model = scorer.model
    rows = drawn(Random(seed), 75, model.spec.columns)
    left, right = (side.ravel() for side in np.indices((len(rows), len(rows))))
    found = scorer.gammas(rows, left, right)
    table = FeatureTable(rows, model.spec, model.comparisons)
    assert (found == table.gammas(left, right)).all()


def test_most_pairs_are_told_without_the_database(scorer: PairScorer) -> None:
    """Otherwise the test above would say little."""
    spec, comparisons = scorer.model.spec, scorer.model.comparisons
    rows = FeatureColumns(drawn(Random(1), 60, spec.columns), spec.columns)
    records = rows.table([*spec.columns])
    sure = SureLevels(comparisons, spec.columns)
    numbered = sure.numbered({name: records[name].combine_chunks() for name in spec.columns})
    left, right = (side.ravel() for side in np.indices((len(rows), len(rows))))
    told = (sure.of(numbered, left, right) != UNSURE).mean(axis=0)
    assert told.min() > 0.3, dict(zip((c.name for c in comparisons), told, strict=True))


@given(
    st.lists(st.tuples(st.text("abé", max_size=9), st.text("abé", max_size=9)), min_size=1),
    st.integers(1, 3),
)
@example([("ca", "abc"), ("abc", "ca"), ("", "a"), ("abcdef", "badcfe")], 3)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_edits_are_those_that_duckdb_counts(pairs: list[tuple[str, str]], most: int) -> None:
    one, other = map(list, zip(*pairs, strict=True))
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("pairs", pa.table({"one": one, "other": other}))
        expected = connection.execute(
            "select damerau_levenshtein(one, other) as edits from pairs"
        ).fetchnumpy()["edits"]
    places = np.arange(len(pairs), dtype=np.int32)
    texts = Texts(pa.array([*one, *other], pa.string()))
    found = edits_up_to(most, texts, places, places + len(pairs))
    assert found.tolist() == np.minimum(expected, most + 1).tolist()


@pytest.mark.parametrize("sql", ["not g_l=g_r", "g_l like 'a%'", "g_l=", "(g_l=g_r", "g=1", ""])
def test_what_is_not_understood_is_left_to_the_database(sql: str) -> None:
    with pytest.raises(Unreadable):
        parse(sql)
