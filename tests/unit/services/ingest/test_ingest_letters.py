"""Letters tried again: what each becomes, what stays, and what fails once more."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from services.identity.domain.errors import RejectReason
from services.identity.domain.ids import Micros, SourceName
from services.identity.domain.instants import instant_of
from services.identity.domain.mapping import parse_mapping
from services.identity.ports import OutgoingMessage
from services.identity.wire.dead_letter import DeadLetter, body_of, decode, encode, retry_header
from services.identity.wire.events import DEAD_LETTER_TOPIC, TOPIC
from services.identity.wire.events import encode as encode_event
from services.identity.wire.letter_book import LetterFilter
from services.ingest.formats.limits import Limits
from services.ingest.redrive import sent_again
from tests.factories import channel_event, outgoing
from tests.letters_world import NOW, TIGHT, WEB, LettersWorld

CRM = replace(
    WEB,
    name=SourceName("crm"),
    mapping=parse_mapping({"key": "nr", "columns": {"mail": "email", "nr": "ignore"}}),
)
OF_CRM = outgoing(channel_event(source="crm", user_id="7", traits={"mail": "ann@example.org"}))
LARGE = {"type": "identify", "userId": "ann", "traits": {"note": "x" * 600}}
EVERY = LetterFilter(with_redriven=True)


def test_a_letter_of_landing_says_everything() -> None:
    world = LettersWorld().append(replace(OF_CRM, headers=(("trace", b"\xff"),))).resolve()
    (letter,) = world.letters()
    assert (letter.reason, letter.origin) == (RejectReason.UNKNOWN_SOURCE, "land")
    assert (letter.stage, letter.position) == ("resolver.land:read_event", f"{TOPIC}/0/0")
    assert (letter.source, letter.message_id, letter.tries) == ("crm", "m-1", 1)
    assert letter.first_at == letter.last_at == instant_of(NOW)
    (entry,) = world.entries([letter])
    assert entry.original() == OF_CRM.value
    assert entry.original_headers() == (("trace", b"\xff"),)


def test_a_letter_of_ingest_keeps_what_explains_it_and_no_key() -> None:
    world = LettersWorld(TIGHT).post(("/v1/identify", {**LARGE, "messageId": "m-9"}))
    (letter,) = world.letters()
    assert (letter.stage or "").startswith("ingest.formats.")
    assert (letter.message_id, letter.position) == ("m-9", "/v1/identify")
    headers = dict(world.entries([letter])[0].original_headers())
    assert headers["content-type"] == b"application/json"
    assert "authorization" not in headers


def test_what_fails_again_counts_up_and_keeps_its_first_try() -> None:
    world = LettersWorld().append(OF_CRM).resolve()
    (before,) = world.letters()
    assert world.redrive().refused == {RejectReason.UNKNOWN_SOURCE: 1}
    (after,) = world.letters()
    assert (after.id, after.tries, after.first_at) == (before.id, 2, before.first_at)
    assert after.last_at == before.last_at + timedelta(hours=1)
    assert world.entries([after])[0].original() == OF_CRM.value


def test_what_landing_refuses_again_is_the_same_letter() -> None:
    shout = outgoing(channel_event(user_id="ann", kind="shout"))
    world = LettersWorld().append(shout).resolve()
    (before,) = world.letters()
    for tries in (2, 3):
        assert world.redrive().sent == 1
        assert world.letters() == []  # until landing has tried
        (after,) = world.resolve().letters()
        assert (after.id, after.tries, after.first_at) == (before.id, tries, before.first_at)
        assert after.last_at > before.last_at
        (entry,) = world.entries([after])
        assert entry.first_at == before.first_at


def test_a_replay_of_the_log_opens_no_letter_that_was_sent_again() -> None:
    world = LettersWorld().append(OF_CRM).resolve()
    world.add_source(CRM)
    world.redrive()
    world.resolve()
    place = world.letters(EVERY)[0]
    (entry,) = world.entries([place])
    world.log.producer().append([letter_message(replace_id(entry))])
    assert world.letters() == []


def replace_id(entry: DeadLetter) -> DeadLetter:
    """As landing makes it anew from the same message at the same place."""
    raw = {name: getattr(entry, name) for name in entry.__struct_fields__}
    later = instant_of(Micros(NOW + 5))
    return DeadLetter(**{**raw, "id": None, "tries": 1, "at": later, "first_at": later})


def letter_message(letter: DeadLetter) -> OutgoingMessage:
    return OutgoingMessage(topic=DEAD_LETTER_TOPIC, key=b"k", value=encode(letter))


def test_an_event_whose_source_was_declared_later_is_as_if_it_had_been_there() -> None:
    world = LettersWorld().append(OF_CRM).resolve()
    world.add_source(CRM)
    assert world.redrive().events == 1
    never_failed = LettersWorld()
    never_failed.add_source(CRM)
    assert world.resolve().hash() == never_failed.append(OF_CRM).resolve().hash()
    assert world.redrive().sent == 0


def test_a_dry_run_sends_nothing() -> None:
    world = LettersWorld(TIGHT).post(("/v1/identify", LARGE)).append(OF_CRM).resolve()
    before = [len(each) for each in world.log.messages.values()]
    done = world.redrive(dry_run=True)
    assert (done.sent, done.events, done.refused) == (1, 1, {RejectReason.UNKNOWN_SOURCE: 1})
    assert [len(each) for each in world.log.messages.values()] == before


def test_a_request_refused_whole_comes_apart_and_each_part_is_on_its_own() -> None:
    batch = {"batch": [{**LARGE, "userId": name} for name in ("ann", "null", "ben")]}
    world = LettersWorld(Limits(event_bytes_max=5_000, events_per_batch_max=2))
    world.post(("/v1/batch", batch))
    (whole,) = world.letters()
    assert (whole.reason, whole.position) == (RejectReason.TOO_MANY_EVENTS, "/v1/batch")
    done = world.redrive()
    assert (done.sent, done.events, done.refused) == (1, 2, {RejectReason.NO_IDENTIFIER: 1})
    (part,) = world.resolve().letters()
    assert (part.id, part.position) == (f"{whole.id}.1", "/v1/batch[1]")
    assert (part.tries, part.first_at) == (2, whole.first_at)
    never_failed = LettersWorld().post(("/v1/batch", batch)).resolve()
    assert world.hash() == never_failed.hash()


def test_an_undated_row_keeps_the_instant_of_its_load() -> None:
    row = DeadLetter(
        reason=RejectReason.NO_IDENTIFIER,
        detail="the row has no key",
        origin="file",
        at=instant_of(NOW),
        body="eyJuciI6IjciLCJtYWlsIjoiYW5uQGV4YW1wbGUub3JnIn0=",
        source="crm",
        position="line 2",
        load_at=instant_of(Micros(NOW - 86_400_000_000)),
    )
    world = LettersWorld()
    world.add_source(CRM)
    world.log.producer().append([letter_message(row)])
    assert world.redrive().events == 1
    (message,) = world.log.messages[world.log.partitions_of([TOPIC])[0]]
    assert b'"time":"2026-11-19T18:40:00Z"' in (message.value or b"")


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        pytest.param(LetterFilter(), 2, id="all"),
        pytest.param(LetterFilter(reason=RejectReason.TOO_LARGE), 1, id="reason"),
        pytest.param(LetterFilter(source="crm"), 1, id="source"),
        pytest.param(LetterFilter(origin="land"), 1, id="origin"),
        pytest.param(LetterFilter(message_id="m-1"), 1, id="message-id"),
        pytest.param(LetterFilter(since=instant_of(Micros(NOW + 1))), 1, id="since"),
        pytest.param(LetterFilter(until=instant_of(Micros(NOW + 1))), 1, id="until"),
        pytest.param(LetterFilter(ids=["nothing"]), 0, id="another-id"),
    ],
)
def test_letters_are_found_by_what_is_known_of_them(wanted: LetterFilter, count: int) -> None:
    world = LettersWorld(TIGHT).post(("/v1/identify", LARGE)).append(OF_CRM).resolve()
    assert len(world.letters(wanted)) == count


def test_the_note_that_a_letter_was_sent_again_has_no_body() -> None:
    world = LettersWorld(TIGHT).post(("/v1/identify", LARGE))
    (entry,) = world.entries(world.letters())
    note = decode(encode(sent_again(entry, at=NOW)))
    assert (note.redriven, note.body, note.letter_id) == (True, "", entry.letter_id)


def test_a_header_of_somebody_else_is_no_try_of_ours() -> None:
    name, _ = retry_header(
        DeadLetter(
            reason=RejectReason.BAD_TIME, detail="", origin="land", at=instant_of(NOW), body=""
        )
    )
    broken = OutgoingMessage(
        topic=TOPIC,
        key=b"k",
        value=encode_event(channel_event(kind="shout")),
        headers=((name, b"{"),),
    )
    (letter,) = LettersWorld().append(broken).resolve().letters()
    assert letter.tries == 1


def test_what_the_log_itself_refuses_holds_up_nobody() -> None:
    calls = [("/v1/identify", {**LARGE, "userId": name}) for name in ("ann", "ben")]
    huge = {"type": "identify", "userId": "huge", "traits": {"note": "x" * 1_050_000}}
    wide = Limits(event_bytes_max=2_000_000)
    world = LettersWorld(TIGHT).post(*calls)
    (first, _) = world.entries(world.letters())
    body = body_of(json.dumps(huge).encode())
    raw = {name: getattr(first, name) for name in first.__struct_fields__}
    world.log.producer().append([letter_message(DeadLetter(**{**raw, "id": None, "body": body}))])
    done = world.redrive(wide)
    assert (done.sent, done.events, done.refused) == (2, 2, {RejectReason.TOO_LARGE: 1})
    (left,) = world.letters()
    assert left.tries == 2
