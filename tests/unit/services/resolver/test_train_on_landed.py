"""Of a large base people are drawn, whole, by the keys that landing left: the same in any order."""

from random import Random

import pytest

from services.identity.wire.events import ChannelEvent
from services.linkage.training.train import Trained
from services.resolver.landed_alike import LandedBounds, landed_alike
from services.resolver.train import train_on
from tests.factories import channel_event, outgoing
from tests.resolver_home import Home

FEW = LandedBounds(records_max=100, seeds_max=120, neighbours_max=6, seeds_at_once=50)
PEOPLE = 250


def said() -> list[ChannelEvent]:
    """Two records a person, by web and app, the second with a slip in the surname."""
    rng = Random(3)
    events = []
    for number in range(PEOPLE):
        first = "".join(rng.choices("abcdefgh", k=5)).capitalize()
        last = "".join(rng.choices("klmnoprs", k=6)).capitalize()
        born = f"19{rng.randrange(30, 99)}-0{rng.randrange(1, 9)}-1{rng.randrange(9)}"
        traits = {"firstName": first, "birthday": born, "email": f"{first}{number}@example.org"}
        for source, surname in (("web", last), ("app", last[:-1])):
            events.append(
                channel_event(
                    source=source,
                    user_id=f"{source}{number}",
                    message_id=f"m{number}",
                    traits=traits | {"lastName": surname},
                )
            )
    return events


def landed(events: list[ChannelEvent]) -> Home:
    home = Home()
    home.log.producer().append([outgoing(event) for event in events])
    home.worker.land_until_end()
    return home


@pytest.fixture(scope="module")
def home() -> Home:
    return landed(said())


@pytest.fixture(scope="module")
def few(home: Home) -> Trained:
    return train_on(home.store, bounds=FEW)


def test_people_are_drawn_whole(home: Home) -> None:
    with home.store.snapshot() as snapshot:
        seeds = snapshot.first_records({"web", "app"}, records_max=FEW.seeds_max)
    sources = {"web", "app"}
    found = list(landed_alike(home.store, seeds, sources=sources, bounds=FEW))
    assert [len(some.seeds) for some in found] == [50, 50, 20]
    for some in found:
        people = {number: each.key.key[3:] for number, each in some.records.items()}
        met = {seed for seed, other in some.links if people[seed] == people[other]}
        assert met == set(some.seeds)
        assert len(some.links) <= FEW.neighbours_max * len(some.seeds)
        assert {some.records[b].key.source for _, b in some.links} == sources
    only = next(landed_alike(home.store, seeds, sources={"web"}, bounds=FEW))
    assert {record.key.source for record in only.records.values()} == {"web"}


def test_a_model_of_whole_people_is_one_for_the_whole_base(home: Home, few: Trained) -> None:
    every = train_on(home.store)
    assert few.report["records"] == every.report["records"] == 2 * PEOPLE
    assert 80 < few.report["records_trained_on"] < 200
    assert few.model.prior_weight == pytest.approx(every.model.prior_weight, abs=1.0)


def test_the_order_in_which_records_came_changes_nothing(few: Trained) -> None:
    events = said()
    Random(1).shuffle(events)
    again = train_on(landed(events).store, bounds=FEW)
    assert again.model.to_json() == few.model.to_json()
    assert again.report == few.report
