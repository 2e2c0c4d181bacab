"""What is told of why people stand together, or apart, is what the resolver decided.

Over random small worlds: every two records of one profile have an explanation whose rows add up to
the decision, and every two of different profiles a reason that is true by what is stored.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.identity.adapters.memory.store import MemoryStore
from services.identity.domain.alone import credit
from services.identity.domain.evidence import Waterfall
from services.identity.domain.explained import (
    Explained,
    How,
    KeyOutcome,
    ProfileSubject,
    Reason,
    RecordSubject,
    Step,
    StepKind,
    Unexplained,
    WhyNot,
)
from services.identity.domain.ids import ProfileId, RecordKey
from services.identity.domain.kinds import Kind
from services.identity.domain.ladder import Ladder, is_loose
from services.identity.domain.steward import Decision, Ruling, Withdrawal, rule
from services.identity.domain.traits import TRAIT_FIELDS
from services.identity.domain.value_word import limits_said
from services.identity.store import StoredRecord
from services.resolver.explaining.explainer import Explainer
from services.resolver.standing import Standing
from tests.factories import untrained_model
from tests.property.event_strategies import cases, decided_cases
from tests.property.order_world import (
    RememberingScorer,
    Said,
    Schedule,
    memory_store,
    run,
    with_limits,
)

EXAMPLES = settings().max_examples // 2
FIELDS = {**TRAIT_FIELDS, "plan": Kind.CATEGORY}
MODEL = replace(  # so that weights join people, too, and records left alone are claimed
    untrained_model(FIELDS), prior_weight=-5.0, alone_share=0.3
)
PAIRS_ASKED_MAX = 12  # of one world


@pytest.fixture(scope="module")
def standing() -> Standing:
    """One compiled scorer for all examples."""
    return Standing(scorer=RememberingScorer(MODEL))


@given(case=st.one_of(cases(), decided_cases()))
@settings(max_examples=EXAMPLES)
def test_what_is_told_of_every_pair_and_profile_is_what_was_decided(
    case: tuple[Sequence[Said], Schedule], standing: Standing
) -> None:
    said, schedule = case
    standing = with_limits(standing, schedule)
    store = memory_store(MODEL)
    run(said, schedule, store, standing)
    explainer = Explainer(store, standing)
    for one, other in list(pairs_of(store, together=True))[:PAIRS_ASKED_MAX]:
        check_together(explainer.explain(RecordSubject(one), RecordSubject(other)))
    world = World(store, schedule, said)
    for one, other in list(pairs_of(store, together=False))[:PAIRS_ASKED_MAX]:
        world.check(explainer.why_not(RecordSubject(one), RecordSubject(other)))
    for profile, members in world.profiles().items():
        found = explainer.how(ProfileSubject(profile))
        assert isinstance(found, How)
        assert (found.profile, list(found.records)) == (profile, sorted(members))
        assert_put_together(found)


def in_force(said: Sequence[Said]) -> list[Decision]:
    withdrawn = {each.decision for each in said if isinstance(each, Withdrawal)}
    return [d for d in said if isinstance(d, Decision) and d.id not in withdrawn]


def ruling_of(decisions: Sequence[Decision], store: MemoryStore) -> Ruling:
    with store.snapshot() as snapshot:
        return rule(decisions, {key: state.dated_from for key, state, _ in snapshot.records()})


def check_together(found: Explained | Unexplained) -> None:
    assert isinstance(found, Explained)
    assert found.standpoint.settled
    assert_adds_up(found.direct.waterfall)
    assert_leads(found)
    for step in found.path:
        assert_holds(step)


class World:
    """What is stored, asked without the explainer's help."""

    def __init__(self, store: MemoryStore, schedule: Schedule, said: Sequence[Said]) -> None:
        self._tables = store.tables
        self._schedule = schedule
        self._decisions = in_force(said)
        self._ruling = ruling_of(self._decisions, store)
        self._said = limits_said(store.tables.value_words.values())

    def profiles(self) -> Mapping[ProfileId, Sequence[RecordKey]]:
        """Of each profile that holds a record, whose keys."""
        tables = self._tables
        return {
            profile: [tables.records[number].key for number in numbers]
            for profile, numbers in tables.residents.items()
            if numbers
        }

    def check(self, found: WhyNot | Unexplained) -> None:
        assert isinstance(found, WhyNot)
        assert found.standpoint.settled
        assert_adds_up(found.pair.waterfall)
        one, other = self._records([found.left, found.right])
        component = {self._tables.members[each.number].component for each in (one, other)}
        keys = [key for key in set(one.keys) & set(other.keys) if not self._is_generic(key)]
        match found.reason:
            case Reason.STEWARD:
                assert self._is_ruled_apart(found)
            case Reason.NEVER_CANDIDATES:
                assert not keys
                assert all(fact.outcome is not KeyOutcome.SHARED for fact in found.pair.keys)
            case Reason.SCORED_TOO_LOW:
                assert keys
                assert len(component) == 2 or self._are_named_together(component)
                assert found.pair.waterfall.total < MODEL.edge_floor_units
            case Reason.VETOED:
                assert self._is_forbidden(found)
            case Reason.CUT_BY_LADDER:
                self._check_cut(found, component, one, other)
            case Reason.CLUSTERING:
                assert len(component) == 1
                assert found.link is not None
                assert_adds_up(found.link)
                assert found.link.total <= 0
            case Reason.MERGE_POLICY | Reason.BLAST_RADIUS:
                self._check_waits(found)
            case Reason.SHARED_DEVICE:
                anonymous = [r for r in (one, other) if r.key.kind == "anonymous_id"]
                assert any(len(self._carriers(record)) > 1 for record in anonymous)
            case Reason.NOTHING_TO_COMPARE:
                assert "anonymous_id" in {one.key.kind, other.key.kind}
                assert len(component) == 1
            case _:
                raise AssertionError(found.reason)

    def _are_named_together(self, component: set[int]) -> bool:
        """Whether a decision names several of it: they share a component, even if it is void."""
        here = {
            record.key
            for number, record in self._tables.records.items()
            if self._tables.members[number].component in component
        }
        return any(len(here.intersection(d.records())) > 1 for d in self._decisions)

    def _check_cut(
        self, found: WhyNot, component: set[int], one: StoredRecord, other: StoredRecord
    ) -> None:
        ladder = Ladder(floor=MODEL.edge_floor_units, units_max=self._schedule.units_max)
        if len(component) == 1:
            records = self._tables.components[component.pop()]
            assert len(records) > ladder.units_max_at(0)
            return
        step = min(self._tables.members[each.number].step for each in (one, other))
        assert step > 0
        assert found.pair.waterfall.total < ladder.floor_at(step)
        # What a long chain of identifiers tied may weigh anything.
        assert is_loose(step) or found.pair.waterfall.total >= ladder.floor

    def _check_waits(self, found: WhyNot) -> None:
        """The model would join them; their size, or what the policy asks, keeps them waiting."""
        policy = self._schedule.policy
        assert found.link is not None
        assert found.between is not None
        assert_adds_up(found.link)
        if found.reason is Reason.BLAST_RADIUS:
            assert min(map(len, found.between)) > self._schedule.blast_max
            return
        assert found.link.total > -credit(MODEL.alone_share)  # below even odds it is a claim
        assert (
            found.link.total < policy.weight_min
            or int(found.facts["personal_fields"]) < policy.personal_fields_min
        )

    def _records(self, keys: Sequence[RecordKey]) -> list[StoredRecord]:
        return [self._tables.records[self._tables.numbers[key]] for key in keys]

    def _is_generic(self, key: int) -> bool:
        most = self._said.get(key, min(self._schedule.holders_max, 50))
        return len(self._tables.holders[key]) > most

    def _is_forbidden(self, found: WhyNot) -> bool:
        """One person of both groups would break what the rules forbid."""
        left, right = found.between or ((found.left,), (found.right,))
        keys = {*left, *right}
        records = self._records(sorted(keys))
        texts = [text for record in records for text in record.state.identifiers]
        user_ids = Counter(
            text.rpartition("\x1f")[0] for text in set(texts) if text.startswith("user_id\x1f")
        )
        suffixes = {r.state.fields["suffix"].value for r in records if "suffix" in r.state.fields}
        return {
            "records": len(keys) > self._schedule.profile_max,
            "record of a unique source": sum(key.source == "billing" for key in keys) > 1,
            "generation": len(suffixes - {None}) > 1,
            "user_id": max(user_ids.values(), default=0) > 1,
        }[str(found.facts["rule"])]

    def _is_ruled_apart(self, found: WhyNot) -> bool:
        """The decision that is named speaks of both profiles."""
        apart = next(a for a in self._ruling.apart if a.decision == found.facts["decision"])
        profiles = [
            {
                self._tables.members[self._tables.numbers[key]].profile
                for key in side
                if key in self._tables.numbers
            }
            for side in (apart.left, apart.right)
        ]
        left, right = found.profiles
        return (left in profiles[0] and right in profiles[1]) or (
            left in profiles[1] and right in profiles[0]
        )

    def _carriers(self, record: StoredRecord) -> set[ProfileId | None]:
        """The profiles of others who carry an identifier of this record."""
        texts = set(record.state.identifiers)
        return {
            self._tables.members[each.number].profile
            for each in self._tables.records.values()
            if each.number != record.number and texts & set(each.state.identifiers)
        } - {None}


def pairs_of(store: MemoryStore, *, together: bool) -> Iterator[tuple[RecordKey, RecordKey]]:
    """Records with events, two by two, of one profile or of two; those of one component first."""
    with store.snapshot() as snapshot:
        profiles = {key: profile for key, _, profile in snapshot.records()}
    members = {key: store.tables.members[store.tables.numbers[key]].component for key in profiles}
    pairs = combinations(sorted(profiles), 2)
    for one, other in sorted(pairs, key=lambda pair: members[pair[0]] != members[pair[1]]):
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


def assert_put_together(found: How) -> None:
    """From single records, each step joins two groups that are there, until one is left."""
    groups = {frozenset([key]) for key in found.records}
    for place, step in enumerate(found.steps):
        assert step.number == place + 1
        assert_holds(step)
        sides = {frozenset(step.left), frozenset(step.right)}
        assert sides <= groups
        groups = groups - sides | {frozenset().union(*sides)}
        if step.kind not in {
            StepKind.IDENTIFIER,
            StepKind.STEWARD,
        }:  # units come first: they are what is joined later
            assert all(any(set(u.records) <= g for g in groups) for u in found.units)
    assert groups == {frozenset(found.records)}
    for each in found.fragile or ():
        kept = sorted(key for part in each.parts for key in part)
        assert len(each.parts) > 1
        assert kept == sorted(set(found.records) - {each.record})


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
    elif step.kind is StepKind.STEWARD:
        assert step.decision is not None
    else:
        assert step.identifier is not None
        assert step.identifier in step.pair.identifiers
