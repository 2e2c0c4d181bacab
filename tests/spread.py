"""How a run is spread over the workers of pytest-xdist: what stays together, and what goes first.

A module's tests stay together, for they may share what is costly to start. Those marked `apart`
share nothing and are long: each goes by itself. All that ask for a Kafka broker share the one that
a single worker starts. The long ones go first, so that no worker ends long after the others.
"""

from collections.abc import Sequence

import pytest

KAFKA = "kafka"
FOLDERS_FIRST = ("integration", "contract", "quality", "property", "simulation")


def spread(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The same tests, each with its group, in the order in which they are handed out."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group_of(item)))
    return sorted(items, key=_rank)  # stable: within a module they keep their order


def group_of(item: pytest.Item) -> str:
    if "kafka_bootstrap" in getattr(item, "fixturenames", ()):
        return KAFKA
    return item.nodeid if item.get_closest_marker("apart") else _module(item)


def _rank(item: pytest.Item) -> tuple[bool, int]:
    folder = _module(item).split("/")[1]
    known = FOLDERS_FIRST.index(folder) if folder in FOLDERS_FIRST else len(FOLDERS_FIRST)
    return item.get_closest_marker("slow") is None, known


def _module(item: pytest.Item) -> str:
    return item.nodeid.split("::")[0]
