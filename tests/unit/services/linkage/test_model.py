"""A model is one text: it survives the trip exactly, and says when it does not fit the code."""

import json
from dataclasses import replace

import numpy as np
import pytest

from services.identity.domain.errors import UsageError
from services.linkage.model import LinkageModel
from services.linkage.score import PairScorer
from tests.linkage_factory import Known, known


@pytest.fixture(scope="module")
def world() -> Known:
    return known()


def test_a_model_survives_the_trip_to_json_exactly(world: Known) -> None:
    text = world.model.to_json()
    back = LinkageModel.from_json(text)
    assert back.to_json() == text
    assert back.version == world.model.version
    assert back.comparisons == world.model.comparisons
    assert back.spec == world.spec
    left, right = np.triu_indices(30, 1)
    first, second = PairScorer(world.model), PairScorer(back)
    assert (
        first.score(world.features, left, right).weights
        == second.score(world.features, left, right).weights
    ).all()
    first.close()
    second.close()


def test_a_model_that_claims_nobody_is_written_as_before(world: Known) -> None:
    assert "alone_share" not in world.model.to_json()
    claiming = replace(world.model, alone_share=0.2)
    assert LinkageModel.from_json(claiming.to_json()).alone_share == 0.2


def test_the_version_follows_the_content(world: Known) -> None:
    assert replace(world.model).version == world.model.version
    assert replace(world.model, prior_weight=-9.0).version != world.model.version
    assert replace(world.model, keys=()).version != world.model.version


def test_a_model_names_nobody(world: Known) -> None:
    text = world.model.to_json()
    assert not any(name in text for name in ("muller", "smith", "robert", "example.org"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 99}'])
def test_what_is_no_model_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        LinkageModel.from_json(text)


def test_a_model_that_was_changed_by_hand_is_refused(world: Known) -> None:
    plain = json.loads(world.model.to_json())
    plain["prior_weight"] += 1
    with pytest.raises(UsageError, match="version"):
        LinkageModel.from_json(json.dumps(plain))


def test_a_model_says_what_it_was_not_trained_with(world: Known) -> None:
    assert world.model.differences() == []
    older = replace(world.model, normaliser_version="0", pins={**world.model.pins, "duckdb": "1"})
    assert [line.split(":")[0] for line in older.differences()] == ["duckdb", "normaliser"]


def test_untrained_comparisons_start_from_the_defaults(world: Known) -> None:
    for comparison in world.model.comparisons:
        assert sum(comparison.default_m) == pytest.approx(1)
        assert len(comparison.m) == len(comparison.u) == len(comparison.levels)
