"""Requests recorded from the unmodified SDKs are taken as they were sent."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from services.ingest.times import parse_instant
from tests.unit.services.ingest.conftest import NOW, Collector

RECORDINGS = Path(__file__).parents[3] / "data/sdk"
NOT_REPLAYED = {"content-length", "host", "connection", "accept-encoding"}


def recorded() -> list[Any]:
    cases = []
    for path in sorted(RECORDINGS.glob("*.jsonl")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            request = json.loads(line)
            cases.append(pytest.param(request, id=f"{path.stem}-{number}-{request['method']}"))
    return cases


@pytest.mark.parametrize("request_", recorded())
def test_a_recorded_request_is_answered_as_its_sdk_expects(
    collector: Collector, request_: dict[str, Any]
) -> None:
    body = None if request_["body"] is None else json.dumps(request_["body"]).encode()
    headers = {k: v for k, v in request_["headers"].items() if k.lower() not in NOT_REPLAYED}
    if body is not None and headers.get("Content-Encoding") == "gzip":
        body = gzip.compress(body)

    answer = collector.client.request(
        request_["method"], request_["path"], headers=headers, content=body
    )

    assert answer.status_code == 200
    if request_["method"] == "OPTIONS":
        asked = request_["headers"]["Access-Control-Request-Headers"]
        assert answer.headers["access-control-allow-headers"] == asked
    elif request_["method"] == "GET":
        assert "WK_demo" in answer.text
    else:
        _check_events(collector, request_["body"], answer.json())


def _check_events(collector: Collector, sent: dict[str, Any], answer: dict[str, Any]) -> None:
    events = sent.get("batch", [sent])
    accepted = {each.id: each for each in collector.accepted()}
    assert answer["success"] is True
    assert answer["accepted"] == len(events) == len(accepted)
    assert answer["as_of"]
    assert collector.dead() == []
    for event in events:
        message = accepted[event["messageId"]]
        own = event.get("userId") or event["anonymousId"]
        assert message.data.record.key == own
        assert message.data.traits == (event.get("traits") or {})
        assert message.source == "web"
        _check_time(message.time.timestamp(), event, sent)


def _check_time(time: float, event: dict[str, Any], sent: dict[str, Any]) -> None:
    original = parse_instant(event.get("originalTimestamp") or event["timestamp"])
    sent_at = parse_instant(event.get("sentAt") or sent["sentAt"])
    assert original is not None
    assert sent_at is not None
    assert time == pytest.approx((NOW - (sent_at - original)) / 1e6)


def test_the_key_may_stand_in_the_body_or_the_query(collector: Collector) -> None:
    event = {"userId": "u-9", "event": "Seen", "messageId": "m-1"}
    in_body = collector.client.post("/v1/track", json={**event, "writeKey": "WK_demo"})
    in_query = collector.client.post("/v1/track?writeKey=WK_demo", json=event)
    assert (in_body.status_code, in_query.status_code) == (200, 200)
    assert [each.id for each in collector.accepted()] == ["m-1", "m-1"]


def test_what_a_batch_says_once_counts_for_all_of_its_events(collector: Collector) -> None:
    batch = {
        "writeKey": "WK_demo",
        "context": {"app": "shop", "locale": "en"},
        "batch": [{"type": "track", "event": "E", "userId": "u", "context": {"locale": "de"}}],
    }
    assert collector.client.post("/v1/batch", json=batch).status_code == 200
    assert collector.accepted()[0].data.context == {"app": "shop", "locale": "de"}


def test_an_empty_batch_is_no_error(collector: Collector) -> None:
    answer = collector.client.post("/v1/batch", json={"writeKey": "WK_demo", "batch": []})
    assert (answer.status_code, answer.json()["accepted"]) == (200, 0)
