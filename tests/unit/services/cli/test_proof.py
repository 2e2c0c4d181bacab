"""The log that `plait proof` shuffles, and the orders it is told in."""

import json
from collections import Counter

from services.cli.proof.run import BATCHES, PARTITIONS_MAX, order_of
from services.cli.proof.said import log_of
from services.identity.wire.commands import IDENTITY_COMMANDS
from services.identity.wire.events import TOPIC

EVENTS = 600
LOG = log_of(EVENTS, seed=3)


def test_a_log_is_the_same_for_the_same_seed_and_says_nothing_twice() -> None:
    assert len(LOG) == EVENTS
    assert log_of(EVENTS, seed=3) == LOG
    assert log_of(EVENTS, seed=4) != LOG
    assert len({(each.topic, each.value) for each in LOG}) == EVENTS


def test_a_log_holds_corrections_consents_devices_and_what_stewards_say() -> None:
    said = [json.loads(each.value or b"") for each in LOG if each.topic == TOPIC]
    kinds = Counter(each["type"] for each in said)
    assert min(kinds[f"plait.{kind}.v1"] for kind in ("identify", "track", "page")) > 20
    records = Counter(
        each["data"]["record"]["key"] for each in said if each["type"] == "plait.identify.v1"
    )
    assert sum(count > 1 for count in records.values()) > 20  # corrected, or emptied
    assert {each["data"].get("event") for each in said} >= {"Consent Changed", "Order Completed"}
    commands = [json.loads(each.value or b"") for each in LOG if each.topic == IDENTITY_COMMANDS]
    assert {each["type"] for each in commands} == {
        "identity.decide",
        "identity.withdraw",
        "identity.mark_value",
    }


def test_every_order_tells_the_whole_log_and_some_of_it_twice() -> None:
    orders = [order_of(LOG, seed=seed) for seed in range(12)]
    assert list(orders[0].messages) == LOG
    for order in orders[1:]:
        assert set(order.messages) == set(LOG)
        assert len(order.messages) > EVENTS
        assert 1 <= order.partitions <= PARTITIONS_MAX
    assert {order.batch for order in orders} == set(BATCHES)
    assert all(list(order.messages[:5]) != LOG[:5] for order in orders[1:])
