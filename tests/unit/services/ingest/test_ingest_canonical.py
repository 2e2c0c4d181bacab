"""Every published example is accepted at its door, and means what its golden message says."""

import json
from pathlib import Path

import pytest

from services.ingest.formats import contracts
from services.ingest.routes.events import CALL_PATHS
from tests.golden.documents import REQUESTS, SEVERAL, contract_of
from tests.unit.services.ingest.conftest import Collector, authorization


def door_of(contract: str) -> str:
    if contract in CALL_PATHS:
        return f"/v1/{contract}"
    return "/v1/batch" if contract == contracts.BATCH else "/v1/billing/events"


@pytest.mark.parametrize("path", sorted(REQUESTS.glob("*.json")), ids=lambda path: path.stem)
def test_an_example_is_accepted(collector: Collector, path: Path) -> None:
    contract = contract_of(path)
    answer = collector.client.post(
        door_of(contract), content=path.read_bytes(), headers=authorization()
    )
    assert answer.status_code == 200, answer.text
    expected = 2 if contract in SEVERAL else 1
    assert answer.json()["accepted"] == len(collector.accepted()) == expected
    assert collector.dead() == []


@pytest.mark.parametrize("path", ["/v1/call-centre/contacts", "/v1/billing/events"])
def test_an_event_keeps_its_properties_and_traits_as_sent(collector: Collector, path: str) -> None:
    event = {
        "event": "Case Opened",
        "contactId": "c-88",
        "properties": {"topic": "fault", "line": {"speed": 5}},
        "traits": {"name": "Ada Example", "phone": None},
    }
    assert collector.client.post(path, json=event, headers=authorization()).status_code == 200
    (accepted,) = collector.accepted()
    assert accepted.type == "plait.track.v1"
    assert accepted.data.event == "Case Opened"
    assert json.loads(json.dumps(accepted.data.properties)) == event["properties"]
    assert accepted.data.traits == event["traits"]


def test_without_a_name_it_says_who_somebody_is(collector: Collector) -> None:
    event = {"type": "identify", "event": None, "accountNumber": "4401", "traits": {"name": "Ada"}}
    path = "/v1/billing/events"
    assert collector.client.post(path, json=event, headers=authorization()).status_code == 200
    (accepted,) = collector.accepted()
    assert (accepted.type, accepted.data.event) == ("plait.identify.v1", None)
    assert (accepted.data.record.kind, accepted.data.record.key) == ("account_number", "4401")
