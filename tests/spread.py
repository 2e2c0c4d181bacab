"""How a run is spread over the workers of pytest-xdist: what stays together, and what goes first.

A module's tests stay together, for they may share what is costly to start. In a few modules the
tests are long and share nothing: each goes by itself. All that ask for a Kafka broker share the one
that a single worker starts. The long ones go first, so that no worker ends long after the others.
"""

from collections.abc import Sequence

import pytest
from xdist.scheduler import LoadScopeScheduling

KAFKA = "kafka"
ON_KAFKA = {
    "tests/contract/test_kafka_log.py",
    "tests/integration/test_letters_and_trace.py",
    "tests/integration/test_local_broker.py",
}
APART = {"tests/integration/test_bench.py", "tests/quality/test_floors.py"}
FOLDERS_FIRST = ("integration", "contract", "quality", "property", "simulation")


class Spread(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Groups of tests, handed out in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    module = _module(nodeid)
    if module in ON_KAFKA:
        return KAFKA
    return nodeid if module in APART else module


def in_order(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The same tests as they are to be handed out; within a module they keep their order."""
    return sorted(items, key=_rank)


def _rank(item: pytest.Item) -> tuple[bool, int]:
    folder = _module(item.nodeid).split("/")[1]
    known = FOLDERS_FIRST.index(folder) if folder in FOLDERS_FIRST else len(FOLDERS_FIRST)
    return item.get_closest_marker("slow") is None, known


def _module(nodeid: str) -> str:
    return nodeid.split("::", maxsplit=1)[0]
