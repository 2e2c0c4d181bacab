"""Invariant 1: the derived state is a function of the set of events, of nothing else.

Neither the order of arrival, nor batches, repeats, restarts or crashes show in the state hash.
"""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings

from services.identity.domain.kinds import Kind
from services.identity.domain.traits import TRAIT_FIELDS
from services.identity.wire.events import ChannelEvent
from services.resolver.standing import Standing
from tests.factories import untrained_model
from tests.property.event_strategies import case_of, cases, crowds
from tests.property.order_world import (
    RememberingScorer,
    Schedule,
    memory_store,
    run,
    with_limits,
)

pytestmark = pytest.mark.slow
EXAMPLES = settings().max_examples * 2  # with every run; `make properties` asks for a deep profile
FIELDS = {**TRAIT_FIELDS, "plan": Kind.CATEGORY}
MODEL = replace(  # so that weights join people, too, and records left alone are claimed
    untrained_model(FIELDS), prior_weight=-5.0, alone_share=0.3
)


@pytest.fixture(scope="module")
def standing() -> Standing:
    """One compiled scorer for all examples."""
    return Standing(scorer=RememberingScorer(MODEL))


@given(case=cases())
@settings(max_examples=EXAMPLES)
def test_the_state_is_a_function_of_the_set_of_events(
    case: tuple[Sequence[ChannelEvent], Schedule], standing: Standing
) -> None:
    _check(*case, standing)


def _check(events: Sequence[ChannelEvent], schedule: Schedule, standing: Standing) -> None:
    standing = with_limits(standing, schedule)
    at_once = run(events, Schedule(order=tuple(range(len(events)))), memory_store(MODEL), standing)
    as_scheduled = run(events, schedule, memory_store(MODEL), standing)
    assert sorted({*as_scheduled.lines} ^ {*at_once.lines}) == []
    assert as_scheduled.hash == at_once.hash
    assert sorted(as_scheduled.reviews ^ at_once.reviews) == []
    assert as_scheduled.hash.is_clean
    assert as_scheduled.broken == ()


@given(case=crowds())
@settings(max_examples=EXAMPLES)
def test_values_that_become_generic_and_cease_to_be_leave_no_trace(
    case: tuple[Sequence[ChannelEvent], Schedule], standing: Standing
) -> None:
    _check(*case, standing)


@pytest.mark.parametrize(
    "seed", [pytest.param(1_000_746, id="an-anchor-left-a-component-that-was-set-aside")]
)
def test_what_once_went_wrong_stays_right(seed: int, standing: Standing) -> None:
    _check(*case_of(seed), standing)
