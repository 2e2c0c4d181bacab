"""Invariants 1 and 6: stewards' decisions are part of the set, and are obeyed in any order."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings

from services.identity.domain.ids import Micros, ProfileId, RecordKey
from services.identity.domain.kinds import Kind
from services.identity.domain.steward import Decision, Withdrawal, rule
from services.identity.domain.traits import TRAIT_FIELDS
from services.identity.domain.value_word import ValueVerdict, ValueWord
from services.identity.wire.commands import mark_value, withdraw
from services.identity.wire.events import ChannelEvent
from services.resolver.standing import Standing
from tests.factories import untrained_model
from tests.property.event_strategies import decided_cases
from tests.property.order_world import (
    RememberingScorer,
    Said,
    Schedule,
    memory_store,
    run,
    with_limits,
)

EXAMPLES = settings().max_examples // 3  # each lives through several workers
FIELDS = {**TRAIT_FIELDS, "plan": Kind.CATEGORY}
MODEL = replace(  # so that weights join people, too, and records left alone are claimed
    untrained_model(FIELDS), prior_weight=-5.0, alone_share=0.3
)


@pytest.fixture(scope="module")
def standing() -> Standing:
    """One compiled scorer for all examples."""
    return Standing(scorer=RememberingScorer(MODEL))


TAKEN = {"by": "s", "reason": "r"}


@given(case=decided_cases())
@settings(max_examples=EXAMPLES)
def test_decisions_hold_wherever_they_stand_in_the_log(
    case: tuple[Sequence[Said], Schedule], standing: Standing
) -> None:
    said, schedule = case
    standing = with_limits(standing, schedule)
    at_once = run(said, Schedule(order=tuple(range(len(said)))), memory_store(MODEL), standing)
    store = memory_store(MODEL)
    as_scheduled = run(said, schedule, store, standing)
    assert sorted({*as_scheduled.lines} ^ {*at_once.lines}) == []
    assert as_scheduled.hash == at_once.hash
    assert sorted(as_scheduled.reviews ^ at_once.reviews) == []
    assert as_scheduled.hash.is_clean
    with store.snapshot() as snapshot:
        records = {key: (state.dated_from, told) for key, state, told in snapshot.records()}
    _check_obeyed(said, records)


@given(case=decided_cases())
@settings(max_examples=EXAMPLES)
def test_what_is_withdrawn_leaves_no_trace(
    case: tuple[Sequence[Said], Schedule], standing: Standing
) -> None:
    said, schedule = case
    standing = with_limits(standing, schedule)
    events = [each for each in said if isinstance(each, ChannelEvent)]
    never = run(events, Schedule(order=tuple(range(len(events)))), memory_store(MODEL), standing)
    decisions = [each for each in said if isinstance(each, Decision)]
    again = [withdraw(d.id, decided_at=Micros(9), by="s", reason="r") for d in decisions]
    words = [
        mark_value((w.type, w.scope, w.value), ValueVerdict.COUNTED, decided_at=Micros(9), **TAKEN)
        for w in said
        if isinstance(w, ValueWord)
    ]
    every: list[Said] = [*said, *again, *words]
    order = (*schedule.order, *range(len(said), len(every)))
    after = run(every, replace(schedule, order=order), memory_store(MODEL), standing)
    assert after.hash == never.hash


def _check_obeyed(
    said: Sequence[Said], records: dict[RecordKey, tuple[Micros | None, ProfileId | None]]
) -> None:
    """Whom the decisions in force tie is one profile, whom they part is two."""
    withdrawn = {each.decision for each in said if isinstance(each, Withdrawal)}
    standing = [d for d in said if isinstance(d, Decision) and d.id not in withdrawn]
    ruling = rule(standing, {key: dated for key, (dated, _) in records.items()})
    for one, other in ruling.links:
        assert records[one][1] == records[other][1]
    for apart in ruling.apart:
        left = {records[key][1] for key in apart.left}
        assert left.isdisjoint(records[key][1] for key in apart.right)
