"""One token for where events stand and for how far an answer speaks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.errors import UsageError
from services.identity.ports import Partition, Position
from services.identity.wire import as_of

POSITIONS = st.lists(
    st.builds(
        Position,
        st.builds(Partition, st.sampled_from(("channel-events", "other")), st.integers(0, 2)),
        st.integers(0, 5),
    ),
    max_size=6,
)


def furthest(positions: list[Position]) -> dict[Partition, int]:
    result: dict[Partition, int] = {}
    for each in positions:
        result[each.partition] = max(each.next_offset, result.get(each.partition, 0))
    return result


@given(POSITIONS)
def test_a_token_gives_back_the_furthest_of_each_partition(positions: list[Position]) -> None:
    assert as_of.reached(as_of.token(positions)) == furthest(positions)
    assert as_of.token(positions) == as_of.token(positions[::-1])


@given(POSITIONS, POSITIONS)
def test_at_least_means_every_partition(some: list[Position], wanted: list[Position]) -> None:
    have = furthest(some)
    expected = all(have.get(p, 0) >= offset for p, offset in furthest(wanted).items())
    assert as_of.is_at_least(as_of.token(some), as_of.token(wanted)) is expected
    assert as_of.is_at_least(as_of.token(some), as_of.token(some))


@given(POSITIONS)
def test_what_the_resolver_notes_is_the_same_token(positions: list[Position]) -> None:
    text = ",".join(f"{p.topic}:{p.index}:{offset}" for p, offset in furthest(positions).items())
    assert as_of.token_of_progress(text) == as_of.token(positions)


def test_before_anything_was_read_only_nothing_is_covered() -> None:
    wanted = as_of.token([Position(Partition("channel-events", 0), 1)])
    assert not as_of.is_at_least(None, wanted)
    assert as_of.is_at_least(None, as_of.token([]))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a", id="half-a-byte"),
        pytest.param("!!!!", id="not-base64"),
        pytest.param("w6TDpA", id="not-ascii"),
        pytest.param("dDowOi0x", id="a-negative-offset"),
        pytest.param("dDowOjEs", id="a-comma-too-much"),
        pytest.param("OjA6MQ", id="no-topic"),
        pytest.param("A" * (as_of.TOKEN_CHARS_MAX + 1), id="too-long"),
    ],
)
def test_what_nobody_gave_out_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="an earlier answer"):
        as_of.reached(text)


@given(st.text(max_size=40))
def test_any_text_is_a_token_or_refused(text: str) -> None:
    try:
        found = as_of.reached(text)
    except UsageError:
        return
    positions = [Position(partition, offset) for partition, offset in found.items()]
    assert as_of.reached(as_of.token(positions)) == found
