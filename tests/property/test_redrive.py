"""A letter that succeeds when sent again leaves no trace: the state of never having failed."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.letters_world import TIGHT, LettersWorld

Call = tuple[str, Mapping[str, Any]]

PADDING = "x" * 600  # over the tight limit by itself
CLOCKS = st.sampled_from(({}, {"sentAt": "2026-11-20T18:00:00Z"}, {"sentAt": "nonsense"}))
EVENTS = st.builds(
    lambda user, email, at, number, large: {
        "type": "identify",
        "userId": user,
        "traits": {"email": f"{email}@example.org", **({"note": PADDING} if large else {})},
        **({"timestamp": at} if at else {}),
        **({"messageId": number} if number else {}),
    },
    st.sampled_from(("ann", "ben")),
    st.sampled_from(("a", "b")),
    st.sampled_from((None, "2026-11-20T17:00:00Z", "2026-11-20T17:30:00Z")),
    st.sampled_from((None, "m-1", "m-2")),
    st.booleans(),
)
CONTEXTS = st.sampled_from(({}, {"context": {"traits": {"city": "Leeds"}}}))
CALLS = st.one_of(
    st.builds(lambda event, clock: ("/v1/identify", {**event, **clock}), EVENTS, CLOCKS),
    st.builds(
        lambda events, clock, context: ("/v1/batch", {"batch": events, **clock, **context}),
        st.lists(EVENTS, min_size=1, max_size=3),
        CLOCKS,
        CONTEXTS,
    ),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(CALLS, min_size=1, max_size=4))
def test_what_succeeds_later_is_as_if_it_had_at_first(calls: list[Call]) -> None:
    never_failed = LettersWorld().post(*calls).resolve()
    world = LettersWorld(TIGHT).post(*calls).resolve()
    refused = len(world.letters())
    assert world.redrive(TIGHT).refused.total() == refused  # too early
    done = world.redrive()
    assert (done.sent, done.events, done.refused.total()) == (refused, refused, 0)
    assert world.resolve().hash() == never_failed.hash()
    assert world.letters() == []
    again = world.redrive()
    assert (again.sent, again.events) == (0, 0)
    assert world.resolve().hash() == never_failed.hash()
