"""A component too large for a batch waits for its own job, and then comes to the same."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given

from services.identity.wire.events import ChannelEvent
from services.resolver.resolve.engine import COMPONENT_RECORDS_MAX
from services.resolver.standing import Standing
from tests.property.event_strategies import cases
from tests.property.order_world import RememberingScorer, Schedule, memory_store, run, with_limits
from tests.property.test_order import MODEL

STANDING = Standing(scorer=RememberingScorer(MODEL))
TOO_LARGE = 2


@given(case=cases())
def test_setting_components_aside_does_not_show(
    case: tuple[Sequence[ChannelEvent], Schedule],
) -> None:
    events, schedule = case
    standing = with_limits(STANDING, replace(schedule, holders_max=100))
    standing.component_records_max = COMPONENT_RECORDS_MAX
    in_the_batch = run(events, schedule, memory_store(MODEL), standing)
    standing.component_records_max = TOO_LARGE
    later = run(events, schedule, memory_store(MODEL), standing)
    assert sorted({*later.lines} ^ {*in_the_batch.lines}) == []
    assert later.hash == in_the_batch.hash
    assert later.hash.is_clean
