"""Which record an event belongs to, and which message it is."""

import json
from typing import Any

import pytest

from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.domain.events import EventType
from services.identity.domain.ids import Micros, SourceName
from services.identity.domain.source import Source
from services.identity.wire.events import ChannelEvent
from services.ingest.accept import Arrival
from services.ingest.formats.canonical import accept_channel_event
from services.ingest.formats.limits import DEPTH_MAX, Limits
from services.ingest.formats.sdk import accept_call

NOW = Micros(1_795_200_000_000_000)


def arrival(source: str = "web", received_at: int = NOW) -> Arrival:
    return Arrival(
        source=Source(name=SourceName(source), channel="web", workspace="main"),
        received_at=Micros(received_at),
    )


def track(given: Arrival | None = None, **members: object) -> ChannelEvent:
    raw = json.dumps({"event": "Seen", **members}).encode()
    return accept_call(raw, EventType.TRACK, arrival=given or arrival(), limits=Limits())


def posted(**members: object) -> ChannelEvent:
    raw = json.dumps({"event": "Call Started", **members}).encode()
    return accept_channel_event(raw, arrival=arrival("calls"), limits=Limits())


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param({"userId": "u", "anonymousId": "a"}, ("user_id", "u"), id="user id first"),
        pytest.param({"userId": None, "anonymousId": "a"}, ("anonymous_id", "a"), id="null"),
        pytest.param({"userId": "", "anonymousId": "a"}, ("anonymous_id", "a"), id="empty"),
        pytest.param({"userId": "null", "anonymousId": "a"}, ("anonymous_id", "a"), id="names all"),
        pytest.param({"userId": 42}, ("user_id", "42"), id="a number is text"),
        pytest.param({"userId": " u "}, ("user_id", "u"), id="blanks around it"),
    ],
)
def test_the_record_is_the_strongest_key_of_a_call(
    members: dict[str, Any], expected: tuple[str, str]
) -> None:
    record = track(**members).data.record
    assert (record.kind, record.key) == expected


def test_the_record_of_a_channel_event_and_what_stays_with_it() -> None:
    both = posted(accountNumber=4401, contactId="c-88")
    assert (both.data.record.kind, both.data.record.key) == ("account_number", "4401")
    assert [(each.type, each.id) for each in both.data.external_ids] == [("contact_id", "c-88")]
    user = posted(userId="u-9", accountNumber="4401")
    assert user.data.record.kind == "user_id"
    assert [(each.type, each.id) for each in user.data.external_ids] == [("account_number", "4401")]


def test_external_ids_of_the_context_are_read_and_odd_ones_left_there() -> None:
    context = {"externalIds": [{"type": "device_id", "id": "d-3"}, {"id": 5}, "odd"]}
    event = track(userId="u", context=context)
    assert [(each.type, each.id) for each in event.data.external_ids] == [("device_id", "d-3")]
    assert event.data.context == context


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        pytest.param({}, RejectReason.NO_IDENTIFIER, id="names nobody"),
        pytest.param({"userId": "undefined"}, RejectReason.NO_IDENTIFIER, id="names everybody"),
        pytest.param({"userId": "a\x00b"}, RejectReason.ILLEGAL_IDENTIFIER, id="control character"),
        pytest.param({"userId": "x" * 256}, RejectReason.ILLEGAL_IDENTIFIER, id="too long"),
        pytest.param({"userId": True}, RejectReason.WRONG_TYPE, id="true"),
        pytest.param({"userId": "u", "event": None}, RejectReason.WRONG_TYPE, id="no name"),
        pytest.param({"userId": "u", "traits": []}, RejectReason.WRONG_TYPE, id="a list of traits"),
        pytest.param(
            {"userId": "u", "properties": {"n": 2**64}}, RejectReason.WRONG_TYPE, id="65 bits"
        ),
        pytest.param({"userId": "u", "timestamp": 5}, RejectReason.WRONG_TYPE, id="a number"),
        pytest.param(
            {"userId": "u", "properties": {"p": "x" * 40_000}}, RejectReason.TOO_LARGE, id="large"
        ),
    ],
)
def test_what_can_never_be_an_event_is_refused(
    members: dict[str, Any], reason: RejectReason
) -> None:
    with pytest.raises(RejectedError) as refused:
        track(**members)
    assert refused.value.reason is reason


@pytest.mark.parametrize(("depth", "is_accepted"), [(DEPTH_MAX - 2, True), (DEPTH_MAX + 1, False)])
def test_nesting_is_bounded(depth: int, is_accepted: bool) -> None:  # noqa: FBT001  # a table
    value: object = 1
    for _ in range(depth):
        value = {"a": value}
    if is_accepted:
        assert track(userId="u", properties={"p": value}).data.properties == {"p": value}
    else:
        with pytest.raises(RejectedError, match="flatter"):
            track(userId="u", properties={"p": value})


def test_a_list_of_all_violations_names_no_value() -> None:
    with pytest.raises(RejectedError) as refused:
        posted(
            event="Consent Changed",
            contactId="c-88",
            properties={"purpose": 5, "granted": "ada@example.org"},
        )
    detail = refused.value.detail
    assert '"channel" is a required property' in detail
    assert "properties.purpose must be string" in detail
    assert "properties.granted must be boolean" in detail
    assert "ada" not in detail


def test_without_a_message_id_a_retry_has_the_same_one() -> None:
    first = track(userId="u", sentAt="2026-11-20T10:00:00Z", timestamp="2026-11-20T10:00:00Z")
    retry = track(
        arrival(received_at=NOW + 5),
        userId="u",
        sentAt="2026-11-20T10:00:09Z",
        timestamp="2026-11-20T10:00:00Z",
    )
    assert first.id == retry.id


@pytest.mark.parametrize(
    ("given", "members"),
    [
        pytest.param(arrival("app"), {"userId": "u"}, id="another source"),
        pytest.param(arrival(), {"userId": "v"}, id="another person"),
        pytest.param(arrival(), {"userId": "u", "properties": {"a": 1}}, id="another content"),
    ],
)
def test_without_a_message_id_different_events_have_different_ones(
    given: Arrival, members: dict[str, Any]
) -> None:
    assert track(given, **members).id != track(userId="u").id
