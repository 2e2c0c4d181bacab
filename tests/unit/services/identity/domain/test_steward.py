"""What stewards' decisions come to: the latest first, contradictions void, absences dormant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.connected import connect
from services.identity.domain.ids import Micros, RecordKey
from services.identity.domain.steward import Decision, Ruling, Verdict, contradicted, rule
from services.identity.wire.commands import decide

SAME, DIFFERENT = Verdict.SAME, Verdict.DIFFERENT
KEYS = {name: RecordKey("web", "user_id", name) for name in "abcdef"}
ALL: dict[RecordKey, Micros | None] = {key: Micros(0) for key in KEYS.values()}


def said(verdict: Verdict, left: str, right: str, *, at: int = 1) -> Decision:
    return decide(
        verdict,
        [KEYS[name] for name in left],
        [KEYS[name] for name in right],
        decided_at=Micros(at),
        by="steward",
        reason="seen",
    )


def links(ruling: Ruling) -> set[str]:
    return {one.key + other.key for one, other in ruling.links}


def test_same_links_the_anchors_of_its_sides() -> None:
    dated = ALL | {KEYS["b"]: Micros(-5), KEYS["d"]: None}
    assert links(rule([said(SAME, "ab", "cd")], dated)) == {"bc"}


def test_different_keeps_every_pair_across_apart() -> None:
    (apart,) = rule([said(DIFFERENT, "ab", "cd")], ALL).apart
    assert ([k.key for k in apart.left], [k.key for k in apart.right]) == (["a", "b"], ["c", "d"])


def test_a_side_of_which_nobody_is_there_leaves_the_decision_dormant() -> None:
    decision = said(SAME, "ab", "c")
    dated = {KEYS["a"]: Micros(0), KEYS["b"]: Micros(0)}
    assert rule([decision], dated).dormant == [decision.id]
    assert links(rule([decision], dated | {KEYS["c"]: None})) == {"ac"}


def test_who_is_not_there_yet_does_not_anchor_a_side() -> None:
    decision = said(SAME, "ab", "c")
    assert links(rule([decision], {KEYS["b"]: Micros(0), KEYS["c"]: Micros(0)})) == {"bc"}


@pytest.mark.parametrize("first", [SAME, DIFFERENT])
def test_of_two_that_contradict_each_other_the_later_holds(first: Verdict) -> None:
    second = DIFFERENT if first is SAME else SAME
    old, new = said(first, "a", "b", at=1), said(second, "b", "a", at=2)
    ruling = rule([old, new], ALL)
    assert [(v.decision, list(v.against)) for v in ruling.void] == [(old.id, [new.id])]
    assert links(ruling) == (set() if second is DIFFERENT else {"ab"})


def test_at_equal_time_the_smaller_id_holds() -> None:
    one, other = said(SAME, "a", "b"), said(DIFFERENT, "a", "b")
    (void,) = rule([one, other], ALL).void
    assert void.decision == max(one.id, other.id)


def test_different_contradicts_a_chain_of_same_and_names_all_of_it() -> None:
    chain = [said(SAME, "a", "b", at=9), said(SAME, "b", "c", at=8), said(SAME, "d", "e", at=7)]
    late = said(DIFFERENT, "a", "c", at=1)
    (void,) = rule([*chain, late], ALL).void
    assert void.decision == late.id
    assert set(void.against) == {chain[0].id, chain[1].id}


def test_same_contradicts_a_different_across_what_it_would_tie() -> None:
    decisions = [said(SAME, "a", "b", at=9), said(DIFFERENT, "b", "c", at=8)]
    standing = rule(decisions, ALL)
    asked = contradicted(SAME, [KEYS["c"]], [KEYS["a"]], standing=standing, dated=ALL)
    assert list(asked) == [decisions[1].id]
    assert not contradicted(SAME, [KEYS["d"]], [KEYS["a"]], standing=standing, dated=ALL)
    assert contradicted(DIFFERENT, [KEYS["a"]], [KEYS["b"]], standing=standing, dated=ALL)


sides = st.lists(st.sampled_from("abcdef"), min_size=2, max_size=5, unique=True)
decisions = st.builds(
    lambda names, cut, verdict, at: (
        said(verdict, "".join(names[:cut] or names[:1]), "".join(names[cut:] or names[1:]), at=at)
        if 0 < cut < len(names)
        else said(verdict, names[0], names[1], at=at)
    ),
    sides,
    st.integers(1, 3),
    st.sampled_from(Verdict),
    st.integers(1, 2),
)
there = st.dictionaries(
    st.sampled_from(list(KEYS.values())), st.one_of(st.none(), st.sampled_from([Micros(1)]))
)


@given(made=st.lists(decisions, max_size=6), dated=there, shuffled=st.randoms())
def test_decisions_come_to_the_same_in_any_order(
    made: list[Decision],
    dated: dict[RecordKey, Micros | None],
    shuffled: "object",
) -> None:
    other = list(made)
    shuffled.shuffle(other)  # type: ignore[attr-defined]  # a Random
    assert rule(made, dated) == rule(other, dated)


@given(made=st.lists(decisions, max_size=6), dated=there)
def test_no_link_ties_what_a_decision_keeps_apart(
    made: list[Decision], dated: dict[RecordKey, Micros | None]
) -> None:
    ruling = rule(made, dated)
    place = {key: number for number, key in enumerate(sorted(dated))}
    tied = connect(place.values(), [(place[a], place[b]) for a, b in ruling.links])
    for apart in ruling.apart:
        left = {tied[place[key]] for key in apart.left}
        assert left.isdisjoint(tied[place[key]] for key in apart.right)
    judged = {*ruling.links.values(), *(a.decision for a in ruling.apart), *ruling.dormant}
    judged |= {each.decision for each in ruling.void}
    repeated = {d.id for d in made if d.verdict is SAME}
    assert {d.id for d in made} - judged <= repeated
