"""Both scorers agree with Splink's own predict(), with each other, and in every company."""

import math
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from splink import Linker
from splink.backends.duckdb import DuckDBAPI

from services.identity.domain.weights import UNITS_PER_BIT, Kinship, Relatives
from services.linkage.features import Features
from services.linkage.score import FeatureTable, PairScorer, PairWeights, totals
from tests.linkage_factory import Known, known, people

Rows = npt.NDArray[np.int64]


@pytest.fixture(scope="module")
def world() -> Known:
    return known(people(145))  # 10,440 pairs


@pytest.fixture(scope="module")
def scorer(world: Known) -> Iterator[PairScorer]:
    scorer = PairScorer(world.model)
    yield scorer
    scorer.close()


def every_pair(count: int) -> tuple[Rows, Rows]:
    left, right = np.triu_indices(count, 1)
    return left.astype(np.int64), right.astype(np.int64)


def splink_weights(world: Known) -> dict[tuple[int, int], list[float]]:
    """Weights a pair from Splink itself: `predict()` with registered term frequencies."""
    model = world.model
    connection = duckdb.connect(config={"threads": 1})
    api = DuckDBAPI(connection=connection)
    columns = {
        name: pa.array(
            [row.get(name) for row in world.features],
            pa.list_(pa.string()) if is_list else pa.string(),
        )
        for name, is_list in world.spec.columns.items()
    }
    columns["unique_id"] = pa.array(range(len(world.features)))
    records = api.register(pa.table(columns))
    settings = model.splink_settings() | {"blocking_rules_to_generate_predictions": ["1=1"]}
    linker = Linker(records, settings)
    for comparison in model.comparisons:
        for index, level in enumerate(comparison.levels):
            if level.tf_column is None:
                continue
            column = level.tf_column
            reference = comparison.u[0] if index == 0 else model.term_frequencies[column].mean
            scale = comparison.u[index] / reference
            frequencies = world.frequencies[column]
            lookup = pa.table(
                {
                    column: list(frequencies),
                    f"tf_{column}": [tf * scale for tf in frequencies.values()],
                }
            )
            linker.table_management.register_term_frequency_lookup(api.register(lookup), column)
    predicted = linker.inference.predict().as_record_list()
    connection.close()
    return {
        (row["unique_id_l"], row["unique_id_r"]): [
            *(row[f"mw_{c.name}"] + row.get(f"mw_tf_adj_{c.name}", 0.0) for c in model.comparisons),
            row["match_weight"],
        ]
        for row in predicted
    }


def test_weights_before_the_cap_are_those_of_splinks_predict(
    world: Known, scorer: PairScorer
) -> None:
    left, right = every_pair(len(world.features))
    assert len(left) >= 10_000
    scored = scorer.score(world.features, left, right)
    expected = splink_weights(world)
    theirs = np.array([expected[pair] for pair in zip(left.tolist(), right.tolist(), strict=True)])
    ours = scored.weights / UNITS_PER_BIT
    assert np.abs(ours - theirs[:, :-1]).max() < 1e-5
    assert np.abs(ours.sum(axis=1) + world.model.prior_weight - theirs[:, -1]).max() < 1e-5


def test_nearly_every_level_happens_in_these_pairs(world: Known, scorer: PairScorer) -> None:
    """Otherwise equality with Splink would say little."""
    gammas = scorer.gammas(world.features, *every_pair(len(world.features)))
    seen = {
        (comparison.name, level.label)
        for number, comparison in enumerate(world.model.comparisons)
        for index, level in enumerate(comparison.levels)
        if (gammas[:, number] == index).any()
    }
    every = {(c.name, level.label) for c in world.model.comparisons for level in c.levels}
    assert len(seen) > 0.9 * len(every), sorted(every - seen)
    assert (gammas == -1).any(axis=0).all()


def test_a_null_comparison_weighs_nothing(world: Known, scorer: PairScorer) -> None:
    scored = scorer.score(world.features, *every_pair(len(world.features)))
    assert not scored.weights[~scored.present].any()
    assert not scored.present.all()


def test_weights_do_not_depend_on_the_rest_of_the_batch(world: Known, scorer: PairScorer) -> None:
    left, right = every_pair(len(world.features))
    whole = scorer.score(world.features, left, right)
    random = Random(7)
    for size in (1, 2, 50):
        some = np.array(random.sample(range(len(left)), size))
        rows = sorted({*left[some].tolist(), *right[some].tolist()}, reverse=True)
        place = {row: number for number, row in enumerate(rows)}
        part = scorer.score(
            [world.features[row] for row in rows],
            np.array([place[row] for row in left[some].tolist()]),
            np.array([place[row] for row in right[some].tolist()]),
        )
        assert (part.weights == whole.weights[some]).all()
        assert (part.present == whole.present[some]).all()


def test_a_pair_weighs_the_same_from_both_sides(world: Known, scorer: PairScorer) -> None:
    left, right = every_pair(len(world.features))
    there, back = (scorer.score(world.features, *side) for side in ((left, right), (right, left)))
    assert (there.weights == back.weights).all()


def test_no_pairs_give_no_weights(world: Known, scorer: PairScorer) -> None:
    none = np.array([], dtype=np.int64)
    scored = scorer.score([], none, none)
    assert scored.weights.shape == (0, len(world.model.comparisons))


def test_the_table_of_training_gives_the_same_integers(world: Known, scorer: PairScorer) -> None:
    comparisons, terms = world.model.comparisons, world.model.term_frequencies
    left, right = every_pair(len(world.features))
    scored = scorer.score(world.features, left, right)
    table = FeatureTable(world.features, world.spec, comparisons)
    gammas = table.gammas(left, right)
    weights = table.weights(left, right, gammas, comparisons=comparisons, term_frequencies=terms)
    parts = table.parts(left, right, gammas, comparisons=comparisons, term_frequencies=terms)
    assert (weights.weights == scored.weights).all()
    assert (weights.present == scored.present).all()
    assert np.abs(parts * UNITS_PER_BIT - scored.weights).max() == 0


def test_codes_number_values_and_mark_nulls(world: Known) -> None:
    rows: list[Features] = [{"g": "anna"}, {}, {"g": "bob"}, {"g": "anna"}]
    table = FeatureTable(rows, world.spec, world.model.comparisons)
    codes, values = table.codes("g")
    assert codes.tolist() == [0, -1, 1, 0]
    assert values == ["anna", "bob"]


def test_a_total_is_prior_and_personal_and_capped_shared_evidence(world: Known) -> None:
    model = world.model
    rng = np.random.default_rng(3)
    shape = (20, len(model.comparisons))
    weights = rng.integers(-9 * UNITS_PER_BIT, 12 * UNITS_PER_BIT, shape).astype(np.int32)
    total = totals(PairWeights(weights=weights, present=weights != 0), model)
    taken_off = model.relatives.taken_off(weights)
    for row, found, less in zip(weights.tolist(), total.tolist(), taken_off.tolist(), strict=True):
        assert found == model.prior_units + sum(row) - less


def test_shared_evidence_alone_is_worth_at_most_the_rarity_of_households() -> None:
    shared = np.array([[0], [40], [400]]) * UNITS_PER_BIT
    household = Relatives.household((True,), share=2.0**-10)
    found = (shared[:, 0] - household.taken_off(shared)) / UNITS_PER_BIT
    assert found.tolist() == pytest.approx([0, 10, 10], abs=0.01)
    assert not Relatives.household((True,), share=0).taken_off(shared).any()
    assert not Relatives.household((False,), share=0.5).taken_off(shared).any()


def test_an_address_and_a_birth_date_are_worth_at_most_the_rarity_of_twins() -> None:
    """So a given name that differs keeps twins apart, however rare their address and their day."""
    relatives = Relatives(
        shared=(True, False, False),
        born=(False, True, False),
        given=(False, False, True),
        kinship=Kinship(household=2.0**-10, twins=2.0**-16, namesakes=2.0**-18),
    )
    evidence = [(30, 0, 0), (30, 14, 0), (30, 0, 9), (30, 14, 9)]
    weights = np.array(evidence) * UNITS_PER_BIT
    found = (weights.sum(axis=1) - relatives.taken_off(weights)) / UNITS_PER_BIT
    assert found.tolist() == pytest.approx([10, 16, 17, 25], abs=1.1)


def test_a_telephone_that_few_relatives_share_tells_more_than_an_address() -> None:
    common = Relatives.household((True, True), share=2.0**-10)
    rare = replace(common, seldom=((1, 2.0**-4),))
    weights = np.array([(30, 15), (30, 0), (30, -2)]) * UNITS_PER_BIT
    gain = (common.taken_off(weights) - rare.taken_off(weights)) / UNITS_PER_BIT
    assert gain.tolist() == pytest.approx([4, 0, -2], abs=0.15)


def test_the_number_of_a_person_that_relatives_share_is_personal_no_more() -> None:
    """Children under a parent's policy: a number counts as much as few relatives have it."""
    personal = Relatives.household((True, False), share=2.0**-10)
    weights = np.array([(30, 15), (30, -9), (30, 0)]) * UNITS_PER_BIT
    for bits, worth in ((-1, 11), (-4, 14), (-12, 21.8)):
        learned = replace(personal, seldom=((1, 2.0**bits),))
        found = (weights.sum(axis=1) - learned.taken_off(weights)) / UNITS_PER_BIT
        against = 10 - 9 - math.log2(1 - 2.0**bits)
        assert found.tolist() == pytest.approx([worth, against, 10], abs=0.15)
