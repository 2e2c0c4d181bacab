"""Invariant 1: the derived state is a function of the set of events, of nothing else.

Neither the order of arrival, nor batches, repeats, restarts or crashes show in the state hash.
"""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings

from services.identity.wire.events import ChannelEvent
from services.resolver.standing import Standing
from tests.factories import untrained_model
from tests.property.event_strategies import cases
from tests.property.order_world import (
    RememberingScorer,
    Schedule,
    memory_store,
    run,
    with_limits,
)

EXAMPLES = settings().max_examples * 3  # with every run; `make proof` asks for a deep profile
MODEL = replace(untrained_model(), prior_weight=-5.0)  # so that weights join people, too


@pytest.fixture(scope="module")
def standing() -> Standing:
    """One compiled scorer for all examples."""
    return Standing(scorer=RememberingScorer(MODEL))


@given(case=cases())
@settings(max_examples=EXAMPLES)
def test_the_state_is_a_function_of_the_set_of_events(
    case: tuple[Sequence[ChannelEvent], Schedule], standing: Standing
) -> None:
    events, schedule = case
    standing = with_limits(standing, schedule)
    at_once = run(events, Schedule(order=tuple(range(len(events)))), memory_store(MODEL), standing)
    as_scheduled = run(events, schedule, memory_store(MODEL), standing)
    assert sorted({*as_scheduled.lines} ^ {*at_once.lines}) == []
    assert as_scheduled.hash == at_once.hash
    assert as_scheduled.hash.is_clean
    assert as_scheduled.broken == ()
