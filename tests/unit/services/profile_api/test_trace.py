"""GET /v1/trace: what came in, what it came to, what stands around it; values only when allowed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.errors import RejectReason
from services.identity.domain.identifiers import SCOPE_SHARED, IdentityRules, identifier_key
from services.identity.domain.ids import (
    Micros,
    RecordKey,
    SegmentId,
    SourceName,
    event_id_of,
    profile_id_of,
)
from services.identity.domain.reading import Stay
from services.identity.domain.record import EMPTY, fold
from services.identity.domain.source import Source
from services.identity.domain.survivorship import Survivorship
from services.identity.domain.tracing import (
    LogPlace,
    Surroundings,
    TracedEvent,
    TracedKey,
    TracedNeighbour,
    TracedProfile,
)
from services.identity.ports import Message, Partition
from services.identity.wire.dead_letter import DeadLetter, body_of
from services.identity.wire.dead_letter import encode as encode_letter
from services.identity.wire.events import DEAD_LETTER_TOPIC, ChannelEvent, encode
from services.identity.wire.profiles import encode as encode_profile
from services.profile_api.auth import Scope
from services.profile_api.routes.trace_responses import TraceAnswer
from services.profile_api.trace_view import MASKED, TraceReading, trace_answer
from services.resolver.interpret import interpret
from services.resolver.resolve.profiles import Member, build_profile
from tests.factories import EPOCH, channel_event
from tests.profile_factory import T0
from tests.unit.services.profile_api.conftest import Office, problem

WEB = Source(name=SourceName("web"), channel="web", workspace="shop", region="GB")
APP = Source(name=SourceName("app"), channel="app", workspace="shop")
RULES = IdentityRules()
ANN = RecordKey("web", "user_id", "ann")
BEN = RecordKey("app", "user_id", "ben")
EMAIL_KEY = identifier_key("email", SCOPE_SHARED, "ann@example.org")
FIRST = channel_event(
    user_id="ann",
    message_id="m-1",
    traits={"email": "ann@example.org", "city": "Leeds"},
    external_ids=[("phone", "none"), ("shoe", "42"), ("crm_id", "")],
)
LATER = channel_event(user_id="ann", message_id="m-2", minute=5, traits={"city": "York"})


def traced(message: ChannelEvent, *others: ChannelEvent, source: Source = WEB) -> TracedEvent:
    """As the store gives it once these events have landed and are resolved."""
    events = [interpret(each, source=source, rules=RULES) for each in (message, *others)]
    record, state = events[0].record, fold(EMPTY, events)
    profile = build_profile(
        profile_id_of(record),
        [Member(key=record, state=state, trust=0)],
        Survivorship(),
        confidence=1.0,
    )
    return TracedEvent(
        event_id=event_id_of(message.source, message.id),
        occurred_at=events[0].occurred_at,
        copies=2,
        body=encode(message),
        place=LogPlace("channel-events", 3, 17),
        number=7,
        component=7,
        record=record,
        version=3,
        state=state,
        keys=[EMAIL_KEY, 5],
        profile=TracedProfile(
            id=profile.id, document=encode_profile(profile), sequence=4, changed_at=T0
        ),
    )


AROUND = Surroundings(
    keys=[
        TracedKey(key=EMAIL_KEY, holders=101, told=True),
        TracedKey(key=5, holders=3, told=False),
    ],
    candidates=[TracedNeighbour(record=BEN, profile=None, keys=2)],
    edges=[TracedNeighbour(record=BEN, profile=profile_id_of(BEN), weight=3 << 20)],
    stays=[Stay(segment=SegmentId("vip"), entered_at=T0)],
    waits=False,
    unsent=1,
)


def add(office: Office, event: TracedEvent, around: Surroundings = AROUND) -> None:
    office.store.source_rows = [WEB, APP]
    office.store.traced[event.event_id] = event
    office.store.around[event.event_id] = around


async def ask(client: httpx2.AsyncClient, message_id: str, **query: str) -> Mapping[str, Any]:
    response = await client.get(f"/v1/trace/{message_id}", params=query)
    assert response.status_code == 200, response.text
    TraceAnswer.model_validate(response.json())
    body: Mapping[str, Any] = response.json()
    return body


async def test_the_whole_way_of_an_event(office: Office, client: httpx2.AsyncClient) -> None:
    add(office, traced(FIRST, LATER))
    body = await ask(client, "m-1", values="true")
    (found,) = body["traces"]
    assert (found["source"], found["type"], body["dead_letters"]) == ("web", "identify", [])
    assert found["log"] == {"topic": "channel-events", "partition": 3, "offset": 17}
    assert found["dedupe"] == {"copies": 2, "counts_from": "2026-01-01T00:00:00Z"}
    assert found["record"]["key"] == "ann"
    fields = {each["name"]: each for each in found["fields"]}
    assert (fields["email"]["outcome"], fields["email"]["in_profile"]["shown"]) == ("won", True)
    assert (fields["city"]["outcome"], fields["city"]["held_by"]) == ("lost", "m-2")
    assert fields["city"]["held_at"] == "2026-01-01T00:05:00Z"
    said = {(each["type"], each["outcome"], each["reason"]) for each in found["identifiers"]}
    assert said == {
        ("email", "taken", None),
        ("user_id", "taken", None),
        ("phone", "refused", "blocked_value"),
        ("shoe", "refused", "type_not_declared"),
        ("crm_id", "refused", "empty"),
    }
    assert (found["keys"]["identifiers"], found["keys"]["blocking"]) == (1, 1)
    assert found["keys"]["generic"] == [{"kind": "email", "told": True, "holders_max": 100}]
    assert found["candidates"][0]["keys"] == 2
    assert found["edges"][0]["match_weight_bits"] == 3.0
    assert found["resolved"] is True
    profile = found["profile"]
    assert (profile["changes_told"], profile["changes_unsent"]) == (4, 1)
    assert [each["id"] for each in profile["segments"]] == ["vip"]


async def test_nothing_personal_is_told_unless_asked_for_by_who_may(
    office: Office, client: httpx2.AsyncClient
) -> None:
    add(office, traced(FIRST))
    response = await client.get("/v1/trace/m-1")
    assert not [each for each in ("ann@", "Leeds", '"ann"', '"ben"') if each in response.text]
    assert response.json()["traces"][0]["record"]["key"] == MASKED
    headers = {"Authorization": f"Bearer {office.key(Scope.TRACE_READ)}"}
    assert (await client.get("/v1/trace/m-1", headers=headers)).status_code == 200
    response = await client.get("/v1/trace/m-1?values=true", headers=headers)
    assert (response.status_code, problem(response)) == (403, "missing_scope")


async def test_an_id_of_several_sources_has_a_trace_each(
    office: Office, client: httpx2.AsyncClient
) -> None:
    add(office, traced(FIRST))
    of_app = channel_event(source="app", user_id="ben", message_id="m-1")
    add(office, traced(of_app, source=APP))
    assert {each["source"] for each in (await ask(client, "m-1"))["traces"]} == {"web", "app"}
    (only,) = (await ask(client, "m-1", source="app"))["traces"]
    assert only["source"] == "app"


def letter(**changes: Any) -> Message:  # noqa: ANN401  # a builder
    made = DeadLetter(
        reason=RejectReason.TOO_LARGE,
        detail="it is too large",
        origin="ingest",
        at=EPOCH,
        body=body_of(b"{}"),
        source="web",
        message_id="m-1",
    )
    raw = {name: getattr(made, name) for name in made.__struct_fields__} | changes
    value = encode_letter(DeadLetter(**raw))
    return Message(
        partition=Partition(DEAD_LETTER_TOPIC, 0),
        offset=0,
        appended_at=Micros(0),
        key=None,
        value=value,
    )


async def test_what_never_landed_answers_its_dead_letter(
    office: Office, client: httpx2.AsyncClient
) -> None:
    first = letter()
    office.store.letters = [first, letter(source="app"), letter(message_id="m-10")]
    body = await ask(client, "m-1", source="web")
    assert body["traces"] == []
    (found,) = body["dead_letters"]
    assert (found["reason"], found["state"], found["tries"]) == ("too_large", "open", 1)
    assert len((await ask(client, "m-1"))["dead_letters"]) == 2


async def test_what_nobody_heard_of_is_404(office: Office, client: httpx2.AsyncClient) -> None:
    for is_here in (True, False):
        office.store.letters = [] if is_here else None
        response = await client.get("/v1/trace/a%2Fb")
        assert (response.status_code, problem(response)) == (404, "unknown_message")
    assert "plait trace" in response.json()["detail"]


async def test_where_the_log_is_elsewhere_what_is_in_it_is_unknown(
    office: Office, client: httpx2.AsyncClient
) -> None:
    before = replace(traced(FIRST), place=None)  # it landed when that was not kept
    add(office, before, Surroundings(waits=None, unsent=None))
    office.store.letters = None
    body = await ask(client, "m-1")
    (found,) = body["traces"]
    assert (found["log"], found["resolved"], body["dead_letters"]) == (None, None, None)


def test_the_skew_is_between_sending_and_arrival() -> None:
    data = FIRST.data.__class__(
        record=FIRST.data.record,
        received_at=EPOCH + timedelta(seconds=90),
        sent_at=EPOCH,
        original_timestamp=EPOCH - timedelta(hours=1),
    )
    message = ChannelEvent(id="m-1", source="web", type=FIRST.type, time=EPOCH, data=data)
    found: Any = trace_answer(read(traced(message)), show_values=False)
    assert found["times"]["skew_ms"] == 90_000


def read(event: TracedEvent, source: Source | None = WEB) -> TraceReading:
    return TraceReading(event=event, around=Surroundings(), rules=RULES, source=source)


@pytest.mark.parametrize("source", [None, WEB])
def test_a_source_that_is_declared_no_more_says_nothing_of_fields(source: Source | None) -> None:
    found: Any = trace_answer(read(traced(FIRST), source), show_values=True)
    assert bool(found["fields"]) is bool(found["identifiers"]) is (source is not None)


def test_a_value_of_another_record_is_told_by_its_source() -> None:
    event = traced(FIRST)
    later = fold(EMPTY, [interpret(LATER, source=WEB, rules=RULES)])
    later = msgspec.structs.replace(later, identifiers={})
    profile = build_profile(
        profile_id_of(ANN),
        [Member(key=ANN, state=event.state, trust=0), Member(key=BEN, state=later, trust=0)],
        Survivorship(),
        confidence=1.0,
    )
    assert event.profile is not None
    told = replace(event.profile, document=encode_profile(profile))
    found: Any = trace_answer(read(replace(event, profile=told)), show_values=False)
    (city,) = [each for each in found["fields"] if each["name"] == "city"]
    assert city["outcome"] == "won"
    assert (city["in_profile"]["shown"], city["in_profile"]["source"]) == (False, "app")


VALUES = st.sampled_from(("ann@example.org", "none", "", "+44 20 7946 0000", "x" * 600, "7"))
TYPES = st.sampled_from(("email", "phone", "crm_id", "shoe"))


@given(st.lists(st.tuples(TYPES, VALUES), max_size=4), VALUES)
def test_what_is_told_to_be_taken_is_what_landing_takes(
    ids: list[tuple[str, str]], email: str
) -> None:
    message = channel_event(user_id="ann", external_ids=ids, traits={"email": email})
    found: Any = trace_answer(read(traced(message)), show_values=True)
    taken = {
        RULES.external_id(each["type"], each["value"], WEB)
        for each in found["identifiers"]
        if each["outcome"] == "taken"
    }
    assert taken == set(interpret(message, source=WEB, rules=RULES).identifiers)
    for each in found["identifiers"]:
        assert (each["reason"] is None) is (each["outcome"] == "taken")
