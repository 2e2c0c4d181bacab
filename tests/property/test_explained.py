"""What is told of why people stand together, or apart, is what the resolver decided.

Over random small worlds: every two records of one profile have an explanation whose rows add up to
the decision.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings

from services.identity.adapters.memory.store import MemoryStore
from services.identity.domain.evidence import Waterfall
from services.identity.domain.explained import Explained, RecordSubject, Step, StepKind
from services.identity.domain.ids import RecordKey
from services.identity.domain.kinds import Kind
from services.identity.domain.traits import TRAIT_FIELDS
from services.identity.wire.events import ChannelEvent
from services.resolver.explaining.explainer import Explainer
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

EXAMPLES = settings().max_examples // 2
FIELDS = {**TRAIT_FIELDS, "plan": Kind.CATEGORY}
MODEL = replace(untrained_model(FIELDS), prior_weight=-5.0)  # so that weights join people, too
PAIRS_ASKED_MAX = 12  # of one world


@pytest.fixture(scope="module")
def standing() -> Standing:
    """One compiled scorer for all examples."""
    return Standing(scorer=RememberingScorer(MODEL))


@given(case=cases())
@settings(max_examples=EXAMPLES)
def test_two_records_of_one_profile_are_explained_by_rows_that_add_up(
    case: tuple[Sequence[ChannelEvent], Schedule], standing: Standing
) -> None:
    events, schedule = case
    standing = with_limits(standing, schedule)
    store = memory_store(MODEL)
    run(events, schedule, store, standing)
    explainer = Explainer(store, standing)
    for one, other in list(pairs_of(store, together=True))[:PAIRS_ASKED_MAX]:
        found = explainer.explain(RecordSubject(one), RecordSubject(other))
        assert isinstance(found, Explained)
        assert found.standpoint.settled
        assert_adds_up(found.direct.waterfall)
        assert_leads(found)
        for step in found.path:
            assert_holds(step)


def pairs_of(store: MemoryStore, *, together: bool) -> Iterator[tuple[RecordKey, RecordKey]]:
    """Records with events, two by two, of one profile or of two."""
    with store.snapshot() as snapshot:
        profiles = {key: profile for key, _, profile in snapshot.records()}
    for one, other in combinations(sorted(profiles), 2):
        if (profiles[one] == profiles[other]) is together:
            yield one, other


def assert_adds_up(waterfall: Waterfall) -> None:
    assert sum(row.units for row in waterfall.rows) == waterfall.total
    assert [row.before for row in waterfall.rows] == [
        sum(row.units for row in waterfall.rows[:place]) for place in range(len(waterfall.rows))
    ]


def assert_leads(found: Explained) -> None:
    """Every step goes on where the one before it ended, from the one record to the other."""
    here = {found.left}
    for step in found.path:
        ends = {step.pair.left, step.pair.right}
        assert here & ends
        here = ends - here or ends
    assert found.right in here
    assert len({step.number for step in found.path}) == len(found.path)


def assert_holds(step: Step) -> None:
    assert {step.pair.left, step.pair.right} & set(step.left)
    assert {step.pair.left, step.pair.right} & set(step.right)
    assert not set(step.left) & set(step.right)
    if step.kind is StepKind.WEIGHT:
        assert step.waterfall is not None
        assert step.link is not None
        assert_adds_up(step.waterfall)
        assert_adds_up(step.link)
        assert step.waterfall.total == step.link.total > 0
    else:
        assert step.identifier is not None
        assert step.identifier in step.pair.identifiers
