"""Whether an answer is new enough is told by its `as_of`, partition by partition."""

import pytest

from services.cli.demo.api import covers
from services.identity.ports import Partition
from services.identity.wire.as_of import token_of_progress

FIRST, SECOND = Partition("channel-events", 0), Partition("channel-events", 1)


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("channel-events:0:3,channel-events:1:7", True),
        ("channel-events:0:4,channel-events:1:8", True),
        ("channel-events:0:2,channel-events:1:9", False),
        ("channel-events:0:3", False),
        ("", False),
        (None, False),
    ],
)
def test_every_partition_must_be_reached(as_of: str | None, *, expected: bool) -> None:
    told = None if as_of is None else token_of_progress(as_of)
    assert covers(told, {FIRST: 3, SECOND: 7}) is expected


def test_nothing_sent_is_always_seen() -> None:
    assert covers(None, {})
