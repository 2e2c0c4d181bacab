"""Whatever is sent: an answer, and every event is in the log, in the dead letters or refused."""

import gzip
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.identity.wire import events
from services.ingest.formats import contracts
from tests.unit.services.ingest.conftest import authorization, open_collector

KEYS = st.sampled_from(
    sorted({key for name in contracts.structs() for key in contracts.schema_of(name)["properties"]})
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["track", "identify", "alias", "Product Held", "2026-01-01", "9999-01-01", ""]),
)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner), max_leaves=8
)
EVENTS = st.dictionaries(KEYS, JSON, max_size=8)
PATHS = st.sampled_from(["/v1/t", "/v1/i", "/v1/a", "/v1/batch", "/v1/billing/events", "/v1/g"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(EVENTS, JSON), max_size=4), st.sampled_from(["batch", "events"]))
def test_each_event_of_a_request_ends_in_one_place(sent: list[Any], name: str) -> None:
    path = "/v1/batch" if name == "batch" else "/v1/call-centre/contacts"
    opened = open_collector()
    with opened.client as client:
        answer = client.post(path, content=json.dumps({name: sent}), headers=authorization())
    told = answer.json()
    assert answer.status_code in (200, 400, 413), answer.text
    accepted, dead = opened.accepted(), opened.dead()
    if "NaN" in json.dumps(sent) or "Infinity" in json.dumps(sent):
        return  # no JSON: refused as a whole
    assert len(accepted) + len(dead) == len(sent)
    assert len(told.get("rejected", [])) == len(dead)
    for event in accepted:
        assert events.decode(events.encode(event)) == event


@settings(max_examples=60, deadline=None)
@given(PATHS, st.binary(max_size=60), st.booleans(), st.integers(0, 60))
def test_any_bytes_are_answered_and_kept(path: str, raw: bytes, zipped: bool, cut: int) -> None:  # noqa: FBT001  # hypothesis gives it
    whole = b'{"userId":"u","event":"E","groupId":1,"previousId":"p","batch":[]}'
    body = whole[:cut] + raw
    opened = open_collector()
    with opened.client as client:
        answer = client.post(
            path, content=gzip.compress(body) if zipped else body, headers=authorization()
        )
    assert answer.status_code in (200, 400, 413), answer.text
    if answer.status_code != 200:
        assert answer.json()["dead_lettered"] is True
        assert len(opened.dead()) == 1
