"""Anonymous records, placed last."""

from collections.abc import Sequence

import pytest

from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.stamps import Seen
from services.resolver.resolve.late import Placed, place_late
from services.resolver.resolve.limits import limits_of
from services.resolver.resolve.units import Vetoes

RULES = IdentityRules()
UNDATED = Seen(first=None, last=None)


def place(
    *texts: str, late: Sequence[int], clusters: Sequence[Sequence[int]], unique: bool = False
) -> Placed:
    """Each text names a record's identifiers, type:value; all are of one source."""
    held = [
        frozenset("{}\x1fshop\x1f{}".format(*each.split(":")) for each in text.split())
        for text in texts
    ]
    limits = limits_of([dict.fromkeys(own, UNDATED) for own in held], RULES)
    sources = ["web"] * len(held)
    vetoes = Vetoes.of(sources, [None] * len(held), unique=["web"] if unique else [])
    return place_late(
        held, late=late, clusters=clusters, rules=RULES, limits=limits + vetoes.as_limits()
    )


@pytest.mark.parametrize(
    ("texts", "clusters", "joined", "groups", "ambiguous"),
    [
        pytest.param(
            ["anonymous_id:d", "anonymous_id:d"], [[1]], [[1, 0]], [], [], id="the-only-person"
        ),
        pytest.param(
            ["anonymous_id:d", "anonymous_id:d", "anonymous_id:d"],
            [[1], [2]],
            [[1], [2]],
            [],
            [(0,)],
            id="a-shared-device",
        ),
        pytest.param(["anonymous_id:d"], [], [], [(0,)], [], id="nobody's"),
        pytest.param(
            ["anonymous_id:d user_id:b", "anonymous_id:d user_id:a"],
            [[1]],
            [[1]],
            [],
            [(0,)],
            id="a-second-user-id",
        ),
    ],
)
def test_a_late_record_joins_the_only_person_it_may(
    texts: list[str],
    clusters: list[list[int]],
    joined: list[list[int]],
    groups: list[tuple[int, ...]],
    ambiguous: list[tuple[int, ...]],
) -> None:
    placed = place(*texts, late=[0], clusters=clusters)
    assert placed == Placed(clusters=joined, groups=groups, ambiguous=ambiguous)


def test_late_records_of_nobody_join_each_other() -> None:
    texts = ["anonymous_id:d", "anonymous_id:e anonymous_id:d", "anonymous_id:f"]
    assert place(*texts, late=[2, 1, 0], clusters=[]).groups == [(0, 1), (2,)]


def test_of_two_that_exclude_each_other_the_smaller_key_is_taken() -> None:
    texts = ["anonymous_id:d user_id:a", "anonymous_id:d user_id:b", "anonymous_id:d"]
    placed = place(*texts, late=[1, 0], clusters=[[2]])
    assert (placed.clusters, placed.ambiguous) == ([[2, 0]], [(1,)])


def test_two_late_records_of_a_unique_source_never_meet() -> None:
    placed = place("crm_id:1", "crm_id:1", late=[0, 1], clusters=[], unique=True)
    assert placed.groups == [(0,), (1,)]
