"""A small crowd of each dangerous kind; `make attack` has all of them at full size."""

import pytest

from tests.attack.bounds import broken
from tests.attack.crowds import CROWDS, TIED, crowd
from tests.attack.site import attack

RECORDS = 3_000
DANGEROUS = ("everything", "chains of phones alone", "chains of devices")


@pytest.mark.integration
@pytest.mark.parametrize("name", DANGEROUS)
def test_a_crowd_stays_within_its_bounds(database_url: str, name: str) -> None:
    cost = attack(database_url, name, RECORDS)
    assert list(broken(cost, with_time=False)) == []


@pytest.mark.parametrize("name", [*CROWDS, *TIED])
def test_a_crowd_is_as_many_as_it_should_be(name: str) -> None:
    events = list(crowd(name, 20))
    assert len({event.data.record.key for event in events}) == 20
    assert all(event.data.traits or event.data.external_ids for event in events)
