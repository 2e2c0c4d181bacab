"""GET /v1/profiles/{who}/timeline: newest first, in pages that do not shift."""

from datetime import UTC, datetime
from uuid import UUID

import httpx2

from services.identity.domain.ids import Micros, ProfileId, RecordKey, profile_id_of
from services.identity.domain.reading import TimelinePlace, TimelineRow
from services.identity.wire.events import ChannelEvent, EventData, RecordRef, encode
from services.profile_api.responses import TimelineAnswer
from services.profile_api.timeline_view import read_cursor, write_cursor
from tests.profile_factory import SECOND, T0, a_profile
from tests.unit.services.profile_api.conftest import Office, is_uuid, problem

WEB = RecordKey("web", "user_id", "u-1")


def a_row(number: int, *, at: int) -> TimelineRow:
    message = ChannelEvent(
        id=f"m-{number}",
        source="web",
        type="plait.track.v1",
        time=datetime(2023, 11, 14, tzinfo=UTC),
        data=EventData(
            record=RecordRef(kind="user_id", key="u-1"),
            received_at=datetime(2023, 11, 14, tzinfo=UTC),
            event="Order Completed",
            properties={"total": 10**30, "number": number},
        ),
    )
    return TimelineRow(
        place=TimelinePlace(Micros(at), UUID(int=number)), record=WEB, body=encode(message)
    )


def fill(office: Office, count: int) -> ProfileId:
    told = office.add(a_profile(records=[WEB]))
    # Two events an instant, so that order among equal times matters.
    office.store.timelines[told] = [a_row(n, at=T0 + n // 2 * SECOND) for n in range(count)]
    return told


async def test_events_newest_first(office: Office, client: httpx2.AsyncClient) -> None:
    told = fill(office, 3)
    body = (await client.get(f"/v1/profiles/{told}/timeline")).json()
    TimelineAnswer.model_validate(body)
    assert [each["message_id"] for each in body["events"]] == ["m-2", "m-1", "m-0"]
    assert body["next_cursor"] is None
    event = body["events"][0]
    assert (event["type"], event["event"]) == ("track", "Order Completed")
    assert event["record"] == {"source": "web", "kind": "user_id", "key": "u-1"}
    assert event["occurred_at"] == "2023-11-14T22:13:21Z"
    assert event["properties"]["total"] == 10**30
    assert is_uuid(event["event_id"])


async def test_pages_are_complete_and_do_not_shift(
    office: Office, client: httpx2.AsyncClient
) -> None:
    told = fill(office, 7)
    seen: list[str] = []
    query = "?limit=3"
    while True:
        body = (await client.get(f"/v1/profiles/{told}/timeline{query}")).json()
        seen += [each["message_id"] for each in body["events"]]
        if body["next_cursor"] is None:
            break
        # What arrives in between is newer and belongs on no later page.
        office.store.timelines[told].append(a_row(90 + len(seen), at=T0 + 99 * SECOND))
        query = f"?limit=3&cursor={body['next_cursor']}"
    assert seen == [f"m-{n}" for n in range(6, -1, -1)]


async def test_a_merged_id_has_the_timeline_of_the_current_profile(
    office: Office, client: httpx2.AsyncClient
) -> None:
    told, old = fill(office, 1), profile_id_of(RecordKey("web", "user_id", "old"))
    office.store.told[old] = told
    body = (await client.get(f"/v1/profiles/{old}/timeline")).json()
    assert (body["profile_id"], body["status"], len(body["events"])) == (told, "merged", 1)


async def test_an_unreadable_event_keeps_its_place(
    office: Office, client: httpx2.AsyncClient
) -> None:
    told = fill(office, 2)
    place = TimelinePlace(T0, UUID(int=50))
    office.store.timelines[told].append(TimelineRow(place=place, record=WEB, body=b"{"))
    body = (await client.get(f"/v1/profiles/{told}/timeline")).json()
    TimelineAnswer.model_validate(body)
    assert [each["readable"] for each in body["events"]] == [False, True, True]


async def test_wrong_pages_are_refused(office: Office, client: httpx2.AsyncClient) -> None:
    told = fill(office, 1)
    for query in ("limit=0", "limit=501", "limit=x", "cursor=x", "cursor=%C3%A9", "cursor="):
        response = await client.get(f"/v1/profiles/{told}/timeline?{query}")
        assert (response.status_code, problem(response)) == (422, "invalid_request"), query


async def test_an_unknown_person_has_no_timeline(client: httpx2.AsyncClient) -> None:
    response = await client.get("/v1/profiles/email:nobody@example.org/timeline")
    assert (response.status_code, problem(response)) == (404, "unknown_profile")


def test_a_cursor_is_read_as_it_was_written() -> None:
    for at in (-(2**63), 0, T0, 2**63 - 1):
        place = TimelinePlace(Micros(at), UUID(int=2**128 - 1))
        assert read_cursor(write_cursor(place)) == place
