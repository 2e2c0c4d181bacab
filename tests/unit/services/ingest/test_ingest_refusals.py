"""Every refusal is answered with its reason, and kept wherever its source is known."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.domain.ids import SourceName
from services.identity.domain.source import Source
from services.ingest.auth import hash_write_key
from services.ingest.problems import STATUS_OF
from services.ingest.settings import IngestSettings
from tests.unit.services.ingest.conftest import NOW, Collector, authorization, open_collector

GOOD = {"type": "track", "userId": "u-9", "event": "Seen", "messageId": "good"}


def post(
    collector: Collector, path: str, body: bytes | object, *, key: str | None = "WK_demo"
) -> tuple[int, dict[str, Any]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {} if key is None else authorization(key)
    answer = collector.client.post(path, content=raw, headers=headers)
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()


def test_every_reason_has_a_status() -> None:
    assert set(STATUS_OF) == set(RejectReason)


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        pytest.param("/v1/track", b'{"event":', 400, "broken_json", id="broken"),
        pytest.param("/v1/track", b"", 400, "broken_json", id="empty"),
        pytest.param("/v1/track", b"[1]", 400, "not_an_object", id="a list"),
        pytest.param("/v1/track", b'{"event":"\xff"}', 400, "bad_encoding", id="latin-1"),
        pytest.param("/v1/track", b"\x1f\x8b\x08oops", 400, "bad_encoding", id="broken gzip"),
        pytest.param("/v1/track", gzip.compress(b"{}")[:-4], 400, "bad_encoding", id="cut gzip"),
        pytest.param("/v1/track", b"[" * 5_000, 413, "too_large", id="deep"),
        pytest.param("/v1/track", {"userId": "u"}, 400, "missing_field", id="no event"),
        pytest.param("/v1/track", {"userId": [], "event": 5}, 400, "wrong_type", id="wrong types"),
        pytest.param("/v1/batch", {"batch": {}}, 400, "wrong_type", id="a batch that is none"),
        pytest.param("/v1/batch", {"events": []}, 400, "missing_field", id="no batch"),
        pytest.param("/v1/batch", b'{"batch":[1e999]}', 400, "wrong_type", id="a huge number"),
        pytest.param(
            "/v1/billing/events", {"event": "Product held"}, 400, "unknown_type", id="typo"
        ),
        pytest.param(
            "/v1/billing/events", {"accountNumber": 1}, 400, "missing_field", id="nothing"
        ),
        pytest.param("/v1/billing/events", {"events": 5}, 400, "wrong_type", id="events"),
        pytest.param("/v1/billing/events", b"5", 400, "not_an_object", id="five"),
    ],
)
def test_a_refused_request_is_answered_and_kept(
    collector: Collector, path: str, body: bytes | object, status: int, code: str
) -> None:
    answered, problem = post(collector, path, body)
    assert (answered, problem["code"], problem["status"]) == (status, code, status)
    assert problem["dead_lettered"] is True
    (letter,) = collector.dead()
    assert (letter.reason, letter.origin, letter.source) == (code, "ingest", "web")
    assert letter.position is not None
    assert letter.position.startswith(path)
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert letter.original() in sent
    assert collector.accepted() == []


def test_the_good_events_of_a_batch_are_accepted_and_the_bad_one_is_listed(
    collector: Collector,
) -> None:
    bad = {"type": "track", "userId": "u-9"}
    status, answer = post(
        collector, "/v1/batch", {"batch": [GOOD, bad, {**GOOD, "messageId": "2"}]}
    )
    assert (status, answer["success"], answer["accepted"]) == (200, True, 2)
    ((index, code),) = [(each["index"], each["code"]) for each in answer["rejected"]]
    assert (index, code) == (1, "missing_field")
    (letter,) = collector.dead()
    assert letter.position == "/v1/batch[1]"
    assert json.loads(letter.original()) == bad
    assert {each.id for each in collector.accepted()} == {"good", "2"}


def test_a_batch_of_bad_events_only_is_no_success(collector: Collector) -> None:
    status, answer = post(collector, "/v1/batch", {"batch": [{"type": "x"}, 5]})
    assert (status, [each["code"] for each in answer["rejected"]]) == (
        400,
        ["unknown_type", "not_an_object"],
    )
    assert len(collector.dead()) == 2


@pytest.mark.parametrize("key", ["WK_wrong", "", None], ids=["wrong", "empty", "none"])
def test_an_unknown_write_key_is_answered_only(collector: Collector, key: str | None) -> None:
    status, problem = post(collector, "/v1/track", GOOD, key=key)
    assert (status, problem["code"]) == (401, "unknown_write_key")
    assert (collector.accepted(), collector.dead()) == ([], [])


def test_basic_auth_that_is_none_is_an_unknown_key(collector: Collector) -> None:
    for value in ("Basic %%%", "Basic /w=="):
        answer = collector.client.post("/v1/track", headers={"Authorization": value}, json=GOOD)
        assert answer.status_code == 401


def test_a_new_source_may_send_at_once(collector: Collector) -> None:
    assert post(collector, "/v1/track", GOOD, key="WK_new")[0] == 401
    app = Source(name=SourceName("app"), channel="app", workspace="main")
    collector.sources.register(app, write_key_hash=hash_write_key("WK_new"), at=NOW)
    collector.clock.advance(1_000_000)
    assert post(collector, "/v1/track", GOOD, key="WK_new")[0] == 200


@pytest.fixture
def small() -> Iterator[Collector]:
    opened = open_collector(
        IngestSettings(
            body_bytes_max=2_000,
            drain_bytes_max=8_000,
            event_bytes_max=500,
            events_per_batch_max=3,
            dead_letter_bytes_max=1_500,
        )
    )
    with opened.client:
        yield opened


def test_bounds_are_answered_with_413(small: Collector) -> None:
    large = {**GOOD, "properties": {"p": "x" * 600}}
    body = {"batch": [GOOD] * 4}
    assert post(small, "/v1/track", large)[1]["code"] == "too_large"
    assert post(small, "/v1/batch", body)[1]["code"] == "too_many_events"
    assert len(small.dead()) == 2
    for raw in (b" " * 2_001, b" " * 9_000, gzip.compress(b" " * 2_001)):
        status, problem = post(small, "/v1/track", raw)
        assert (status, problem["code"]) == (413, "too_large")


def test_a_body_without_a_length_is_bounded_too(small: Collector) -> None:
    pieces = (b" " * 500 for _ in range(6))
    answer = small.client.post("/v1/track", content=pieces, headers=authorization())
    assert answer.status_code == 413


def test_what_does_not_fit_into_a_dead_letter_is_said_not_to_be_kept(small: Collector) -> None:
    status, problem = post(small, "/v1/track", b"[" + b" " * 1_600)
    assert (status, problem["dead_lettered"]) == (413, False)
    assert small.dead() == []


def test_a_log_that_is_down_asks_to_come_back(collector: Collector) -> None:
    collector.producer.break_down()
    for path, body in (("/v1/track", GOOD), ("/v1/track", b"{")):
        answer = collector.client.post(
            path,
            content=body if isinstance(body, bytes) else json.dumps(body),
            headers=authorization(),
        )
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    collector.producer.error = None
    assert post(collector, "/v1/track", GOOD)[0] == 200


def test_an_error_names_nobody(collector: Collector) -> None:
    person = {"userId": "ada@example.org", "event": ["ada@example.org"], "traits": "ada"}
    _, problem = post(collector, "/v1/track", person)
    assert "ada" not in json.dumps(problem)
    assert "ada" not in collector.dead()[0].detail
    assert "ada" in collector.dead()[0].original().decode()


def test_unknown_doors_and_methods_are_problems(collector: Collector) -> None:
    assert post(collector, "/v1/nothing", {})[0] == 404
    answer = collector.client.get("/v1/track")
    assert (answer.status_code, answer.json()["code"]) == (405, "no_such_door")


def test_health(collector: Collector) -> None:
    for path in ("/healthz", "/readyz"):
        assert collector.client.get(path).json() == {"status": "ok"}


def test_a_refusal_of_the_log_itself_is_not_hidden(collector: Collector) -> None:
    collector.producer.error = RejectedError(RejectReason.TOO_LARGE, "more than the topic takes")
    status, problem = post(collector, "/v1/track", GOOD)
    assert (status, problem["dead_lettered"]) == (413, False)
