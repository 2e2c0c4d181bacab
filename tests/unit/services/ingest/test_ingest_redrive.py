"""A dead letter becomes what it would have been, once nothing stands against it."""

import json
from dataclasses import replace

import pytest

from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.domain.ids import Micros, SourceName
from services.identity.domain.instants import instant_of
from services.identity.domain.mapping import parse_mapping
from services.identity.domain.source import Source
from services.identity.wire import dead_letter
from services.identity.wire.dead_letter import DeadLetter
from services.ingest.formats.limits import Limits
from services.ingest.letters import letter
from services.ingest.redrive import read_again
from tests.unit.services.ingest.conftest import NOW, Collector, authorization

WEB = Source(name=SourceName("web"), channel="web", workspace="main")
LARGE = {"type": "track", "userId": "u", "event": "E", "properties": {"p": "x" * 40_000}}
GENEROUS = Limits(event_bytes_max=100_000)


@pytest.mark.parametrize(
    ("path", "body", "count"),
    [
        pytest.param("/v1/t", LARGE, 1, id="one call"),
        pytest.param("/v1/batch", {"batch": [LARGE, LARGE]}, 2, id="two of a batch"),
        pytest.param("/v1/billing/events", {**LARGE, "event": "Message Sent"}, 1, id="a channel's"),
    ],
)
def test_what_was_too_large_can_pass_under_a_wider_bound(
    collector: Collector, path: str, body: dict[str, object], count: int
) -> None:
    body = json.loads(json.dumps(body).replace('"p"', '"channel": "email", "p"'))
    assert collector.client.post(path, json=body, headers=authorization()).status_code == 413
    letters = collector.dead()
    found = [read_again(each, source=WEB, limits=GENEROUS) for each in letters]
    assert len(found) == len(letters) == count
    assert {event.data.record.key for event in found} == {"u"}
    assert {event.time for event in found} == {instant_of(NOW)}


def test_what_is_still_wrong_is_refused_again(collector: Collector) -> None:
    collector.client.post("/v1/track", content=b"{", headers=authorization())
    (broken,) = collector.dead()
    with pytest.raises(RejectedError, match="JSON"):
        read_again(broken, source=WEB, limits=GENEROUS)


def _of_file(raw: bytes) -> DeadLetter:
    error = RejectedError(RejectReason.NO_IDENTIFIER, "the row has no key")
    message = letter(raw, error, origin="file", source="crm", position="line 2", at=Micros(NOW))
    return dead_letter.decode(message.value or b"")


def test_a_row_of_a_file_passes_under_a_mended_mapping_and_a_torn_line_never() -> None:
    mapping = parse_mapping({"key": "nr", "columns": {"mail": "email"}})
    crm = replace(WEB, name=SourceName("crm"), mapping=mapping)
    event = read_again(_of_file(b'{"id":null,"nr":"7","mail":"a"}'), source=crm, limits=GENEROUS)
    assert (event.data.record.kind, event.data.record.key) == ("record_id", "7")
    with pytest.raises(RejectedError, match="mend the file"):
        read_again(_of_file(b"7,a"), source=crm, limits=GENEROUS)
