"""Stewards' decisions through the real resolver: who is joined, who is parted, and as it was."""

from collections.abc import Sequence

import pytest

from services.identity.domain.explained import (
    How,
    ProfileSubject,
    Reason,
    RecordSubject,
    StepKind,
    WhyNot,
)
from services.identity.domain.ids import Micros, RecordKey, profile_id_of
from services.identity.domain.merge_policy import MergePolicy
from services.identity.domain.steward import Decision, Verdict, Withdrawal
from services.identity.domain.value_word import ValueVerdict, ValueWord
from services.identity.store import ReviewItem
from services.identity.wire.changes import ChangeMessage
from services.identity.wire.commands import IDENTITY_COMMANDS, decide, mark_value, withdraw
from services.identity.wire.events import ChannelEvent
from services.resolver.explaining.explainer import Explainer
from services.resolver.replay import Filter, replay
from services.resolver.standing import Standing
from tests.factories import channel_event, still_clock
from tests.resolver_home import Home

SAME, DIFFERENT = Verdict.SAME, Verdict.DIFFERENT


def web(name: str) -> RecordKey:
    return RecordKey("web", "user_id", name)


def say(name: str, *, minute: int = 0, source: str = "web", **traits: str) -> ChannelEvent:
    return channel_event(
        source=source, user_id=name, message_id=f"{source}-{name}", minute=minute, traits=traits
    )


def decided(
    verdict: Verdict, left: Sequence[RecordKey], right: Sequence[RecordKey], *, at: int = 1
) -> Decision:
    return decide(verdict, left, right, decided_at=Micros(at), by="steward", reason="seen")


def taken_back(decision: Decision) -> Withdrawal:
    return withdraw(decision.id, decided_at=Micros(99), by="steward", reason="a mistake")


def told(home: Home, kind: str) -> list[ChangeMessage]:
    return [each for each in home.told() if each.type == kind]


STRANGERS = [
    say("ann", firstName="Ann", lastName="Lee"),
    say("bob", minute=1, firstName="Bob", lastName="Ray"),
    say("cat", minute=2, firstName="Cat", lastName="Doe"),
]
TWINS = [
    say("u1", firstName="Ann", lastName="Lee", email="lee@example.org", birthday="1980-02-03"),
    channel_event(
        source="bank",
        user_id="u2",
        message_id="bank",
        minute=1,
        traits={
            "firstName": "Ann",
            "lastName": "Lee",
            "email": "lee@example.org",
            "birthday": "1980-02-03",
        },
    ),
]
BANK = RecordKey("bank", "user_id", "u2")


def test_same_joins_people_who_share_no_key() -> None:
    home = Home().say(*STRANGERS)
    before = home.hash()
    decision = decided(SAME, [web("ann")], [web("cat")])
    home.decide(decision)
    assert home.people() == {frozenset({"ann", "cat"}), frozenset({"bob"})}
    (merged,) = told(home, "profile.merged")
    assert merged.profile_id == profile_id_of(web("ann"))
    assert merged.data == {"absorbed": [profile_id_of(web("cat"))]}
    home.decide(taken_back(decision))
    assert home.hash() == before


def test_different_parts_who_was_merged_and_both_have_their_ids_back() -> None:
    home = Home().say(*TWINS)
    before = home.hash()
    assert len(home.people()) == 1
    decision = decided(DIFFERENT, [web("u1")], [BANK])
    home.decide(decision)
    assert set(home.documents()) == {profile_id_of(web("u1")), profile_id_of(BANK)}
    (split,) = told(home, "profile.split")
    assert split.profile_id == profile_id_of(web("u1"))
    assert set(split.data["into"]) == {profile_id_of(web("u1")), profile_id_of(BANK)}
    home.decide(taken_back(decision))
    assert home.hash() == before


def test_a_decision_about_records_that_are_not_there_waits_for_them() -> None:
    home = Home().decide(decided(SAME, [web("ann")], [web("cat")]))
    home.say(STRANGERS[2]).say(STRANGERS[1]).say(STRANGERS[0])
    assert home.people() == {frozenset({"ann", "cat"}), frozenset({"bob"})}


def test_a_withdrawal_may_come_before_its_decision() -> None:
    decision = decided(SAME, [web("ann")], [web("cat")])
    home = Home().say(*STRANGERS).decide(taken_back(decision)).decide(decision)
    assert len(home.people()) == 3


def test_a_person_s_word_outranks_a_unique_source() -> None:
    home = Home().say(say("b1", source="billing"), say("b2", source="billing"))
    first, second = (RecordKey("billing", "user_id", name) for name in ("b1", "b2"))
    home.decide(decided(SAME, [first], [second]))
    assert home.people() == {frozenset({"b1", "b2"})}


def test_what_was_joined_beyond_a_limit_keeps_who_was_there_before() -> None:
    """Two accounts of a unique source become one person, and each brings its contact along."""
    said = [
        channel_event(
            source=source, record=(kind, key + n), message_id=key + n, external_ids=[("crm_id", n)]
        )
        for n in "12"
        for source, kind, key in (("billing", "account_number", "b"), ("web", "contact_id", "w"))
    ]
    home = Home().say(*said)
    assert home.people() == {frozenset({"b1", "w1"}), frozenset({"b2", "w2"})}
    first, second = (RecordKey("billing", "account_number", name) for name in ("b1", "b2"))
    home.decide(decided(SAME, [first], [second]))
    assert home.people() == {frozenset({"b1", "w1", "b2", "w2"})}


def test_the_link_follows_the_anchors_when_an_older_event_comes() -> None:
    """`cat` becomes the oldest of her side, and is linked in the place of `bob`."""
    home = Home().say(*STRANGERS)
    home.decide(decided(SAME, [web("ann")], [web("bob"), web("cat")]))
    assert frozenset({"ann", "bob"}) in home.people()
    home.say(channel_event(user_id="cat", message_id="old", minute=-5))
    assert home.people() == {frozenset({"ann", "cat"}), frozenset({"bob"})}


def test_of_two_that_contradict_each_other_the_later_holds_until_it_is_withdrawn() -> None:
    same = decided(SAME, [web("ann")], [web("bob")], at=1)
    different = decided(DIFFERENT, [web("bob")], [web("ann")], at=2)
    home = Home().say(*STRANGERS).decide(different, same)
    assert len(home.people()) == 3
    home.decide(taken_back(different))
    assert frozenset({"ann", "bob"}) in home.people()


def device(name: str, *, minute: int = 0, user: str | None = None) -> ChannelEvent:
    return channel_event(
        anonymous_id=name, user_id=user, message_id=f"{name}-{user}", minute=minute, kind="page"
    )


def anonymous(name: str) -> RecordKey:
    return RecordKey("web", "anonymous_id", name)


SHARED = [device("d"), device("d", minute=1, user="u1"), device("d", minute=2, user="u2")]


def test_a_steward_says_whose_a_shared_device_is() -> None:
    home = Home().say(*SHARED)
    assert frozenset({"d"}) in home.people()
    home.decide(decided(SAME, [anonymous("d")], [web("u2")]))
    assert home.people() == {frozenset({"d", "u2"}), frozenset({"u1"})}


def test_a_steward_says_whose_a_shared_device_is_not() -> None:
    home = Home().say(*SHARED).decide(decided(DIFFERENT, [anonymous("d")], [web("u2")]))
    assert home.people() == {frozenset({"d", "u1"}), frozenset({"u2"})}


def test_devices_that_a_steward_called_one_person_s_go_where_one_of_them_goes() -> None:
    home = Home().say(device("d"), device("e"), device("d", minute=1, user="u1"))
    home.decide(decided(SAME, [anonymous("d")], [anonymous("e")]))
    assert home.people() == {frozenset({"d", "e", "u1"})}


def test_what_is_no_command_becomes_a_dead_letter() -> None:
    home = Home().say(*STRANGERS)
    home.command(b'{"type": "identity.decide"}')
    (letter,) = home.log.messages[home.dead_letters]
    assert b"wrong_type" in (letter.value or b"")


@pytest.mark.parametrize("verdict", Verdict)
def test_a_repeated_command_says_nothing_new(verdict: Verdict) -> None:
    decision = decided(verdict, [web("ann")], [web("cat")])
    once = Home().say(*STRANGERS).decide(decision)
    told_once = len(once.told())
    once.decide(decision)
    assert len(once.told()) == told_once


def reviews(home: Home, kind: str) -> list[ReviewItem]:
    with home.store.transaction() as tx:
        return list(tx.reviews_listed(kind=kind, items_max=100))


def why_not(home: Home, one: RecordKey, other: RecordKey, standing: Standing) -> WhyNot:
    found = Explainer(home.store, standing).why_not(RecordSubject(one), RecordSubject(other))
    assert isinstance(found, WhyNot)
    return found


CLASH = [
    channel_event(user_id=name, message_id=name, external_ids=[("crm_id", "1")], kind="page")
    for name in ("ann", "bob")
]


@pytest.mark.parametrize("verdict", Verdict)
def test_a_demoted_identifier_is_to_be_reviewed_until_a_steward_decides(verdict: Verdict) -> None:
    home = Home().say(*CLASH)
    (item,) = reviews(home, "identifier_demoted")
    assert [each["key"] for each in item.detail["about"]] == ["ann", "bob"]  # type: ignore[attr-defined]
    assert item.effect == 0.5
    decision = decided(verdict, [web("ann")], [web("bob")])
    home.decide(decision)
    assert reviews(home, "identifier_demoted") == []
    home.decide(taken_back(decision))
    assert reviews(home, "identifier_demoted") == [item]


def test_a_decision_that_contradicts_a_later_one_is_to_be_reviewed() -> None:
    old, new = (
        decided(verdict, [web("ann")], [web("bob")], at=at)
        for verdict, at in ((SAME, 1), (DIFFERENT, 2))
    )
    home = Home().say(*STRANGERS).decide(new, old)
    (item,) = reviews(home, "decision_void")
    assert (item.detail["decision"], item.detail["against"]) == (old.id, [new.id])
    home.decide(taken_back(old))
    assert reviews(home, "decision_void") == []


def number_holder(name: str, *numbers: str) -> ChannelEvent:
    return channel_event(
        record=("contact_id", name),
        message_id=name,
        external_ids=[("crm_id", number) for number in numbers],
    )


def test_a_merge_of_too_many_records_waits_for_a_steward_and_the_stream_goes_on() -> None:
    """Two and two records are two people each way; the fifth, of both, would make them one."""
    home = Home(blast_max=1)
    home.say(
        *(number_holder(f"a{n}", "1") for n in "12"), *(number_holder(f"b{n}", "2") for n in "12")
    )
    home.say(number_holder("c", "1", "2"), number_holder("d", "3"))
    people = {frozenset({"a1", "a2", "c"}), frozenset({"b1", "b2"}), frozenset({"d"})}
    assert home.people() == people
    one, other = (RecordKey("web", "contact_id", each) for each in ("a1", "b1"))
    assert why_not(home, one, other, Standing(blast_records_max=1)).reason is Reason.BLAST_RADIUS
    (item,) = reviews(home, "blast_radius")
    assert item.effect == 1.0
    decision = decided(SAME, [one], [other])
    home.decide(decision)
    assert home.people() == {frozenset({"a1", "a2", "b1", "b2", "c"}), frozenset({"d"})}
    assert reviews(home, "blast_radius") == []
    home.decide(taken_back(decision))
    assert (home.people(), reviews(home, "blast_radius")) == (people, [item])


@pytest.mark.parametrize(
    ("policy", "asked"),
    [
        pytest.param(
            MergePolicy(personal_fields_min=3),
            {"personal_fields": 2, "personal_fields_min": 3},
            id="too-few-fields",
        ),
        pytest.param(
            MergePolicy(confidence_min=0.999999), {"confidence_min": 0.999999}, id="not-sure-enough"
        ),
    ],
)
def test_a_merge_of_little_evidence_waits_for_a_steward(
    policy: MergePolicy, asked: dict[str, float]
) -> None:
    assert Home().say(*TWINS).people() == {frozenset({"u1", "u2"})}  # what the model wants
    home = Home(policy=policy).say(*TWINS)
    apart = {frozenset({"u1"}), frozenset({"u2"})}
    assert home.people() == apart
    (item,) = reviews(home, "merge_policy")
    assert asked.items() <= item.detail.items()
    told = why_not(home, web("u1"), BANK, Standing(merge_policy=policy))
    assert told.reason is Reason.MERGE_POLICY
    assert asked.items() <= told.facts.items()
    decision = decided(SAME, [web("u1")], [BANK])
    home.decide(decision)
    assert home.people() == {frozenset({"u1", "u2"})}
    assert reviews(home, "merge_policy") == []
    home.decide(taken_back(decision))
    assert (home.people(), reviews(home, "merge_policy")) == (apart, [item])


def test_a_merge_of_little_evidence_that_a_steward_refuses_waits_no_more() -> None:
    home = Home(policy=MergePolicy(personal_fields_min=3)).say(*TWINS)
    home.decide(decided(DIFFERENT, [web("u1")], [BANK]))
    assert reviews(home, "merge_policy") == []


EVERY_WORD: Sequence[Decision | ValueWord] = [
    decided(SAME, [web("ann")], [web("cat")]),
    decided(DIFFERENT, [web("ann")], [web("bob")], at=3),
    mark_value(
        ("email", "*", "lee@example.org"),
        ValueVerdict.GENERIC,
        decided_at=Micros(5),
        by="steward",
        reason="a family's",
    ),
]


def test_a_replay_brings_back_what_was_decided() -> None:
    home = Home().say(*STRANGERS).decide(*EVERY_WORD)
    lost = Home()
    done = replay(lost.store, home.log, still_clock(), only=Filter())
    assert (done.taken, done.commands, done.changes) == (6, 3, 6)
    lost.worker.run_until_caught_up()
    assert lost.hash() == home.hash()
    again = replay(lost.store, home.log, still_clock(), only=Filter())
    assert (again.taken, again.changes) == (6, 0)


@pytest.mark.parametrize(
    ("only", "taken"),
    [
        pytest.param(Filter(topics=(IDENTITY_COMMANDS,)), 3, id="decisions-only"),
        pytest.param(Filter(key="bob", topics=(IDENTITY_COMMANDS,)), 1, id="about-a-record"),
        pytest.param(Filter(source="web", topics=(IDENTITY_COMMANDS,)), 2, id="about-a-source"),
        pytest.param(
            Filter(since=Micros(3), until=Micros(5), topics=(IDENTITY_COMMANDS,)), 1, id="by-time"
        ),
        pytest.param(Filter(key="bob"), 2, id="with-the-events-of-the-record"),
    ],
)
def test_a_replay_takes_the_decisions_that_are_asked_for(only: Filter, taken: int) -> None:
    home = Home().say(*STRANGERS).decide(*EVERY_WORD)
    assert replay(home.store, home.log, still_clock(), only=only).taken == taken


def test_of_visitors_whom_a_steward_called_one_each_is_told_once() -> None:
    home = Home().say(device("d"), device("e"))
    home.decide(decided(SAME, [anonymous("d")], [anonymous("e")]))
    profile = home.profile_of(anonymous("d"))
    assert profile is not None
    found = Explainer(home.store, Standing()).how(ProfileSubject(profile))
    assert isinstance(found, How)
    assert list(found.records) == [anonymous("d"), anonymous("e")]
    assert [step.kind for step in found.steps] == [StepKind.STEWARD]
