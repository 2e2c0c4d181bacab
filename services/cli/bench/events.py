"""Rows as channel events: new full records, and the visits of people who are known by then."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from random import Random

from services.cli.bench.people import Row
from services.identity.domain.ids import Micros
from services.identity.ports import OutgoingMessage
from services.identity.wire.events import (
    TOPIC,
    ChannelEvent,
    EventData,
    RecordRef,
    encode,
    record_key_bytes,
)

Record = tuple[str, str, str]
"""A record's source, the kind of its key, and the key."""
_VISITS = 0.8  # of a mixed stream: page and track
_PAGES = 0.6  # of the visits
_PATHS = ("/", "/broadband", "/tv", "/mobile", "/help", "/basket")
_NAMES = ("Product Viewed", "Product Added", "Checkout Started", "Article Read")


def record_of(row: Row, *, run: int, number: int) -> Record:
    """The key of the `number`-th new record of a run, unlike that of any other."""
    return row.source, row.key_kind, f"n{run}-{number}"


def identifies(rows: Iterable[Row], *, run: int, first: int, at: Micros) -> list[OutgoingMessage]:
    """An identify a row; every one is about a record of its own."""
    return [
        _identify(row, record_of(row, run=run, number=number), at)
        for number, row in enumerate(rows, start=first)
    ]


def mixed(  # a stream of its own
    rows: Sequence[Row], known: Sequence[Record], *, run: int, first: int, at: Micros
) -> list[OutgoingMessage]:
    """Five events for each row: its identify, and four visits of records known before it."""
    rng = Random(f"{run} visits")  # noqa: S311  # repeatable on purpose
    identified = [each for each in known if each[0] in {"web", "app"}]
    messages: list[OutgoingMessage] = []
    waiting = list(enumerate(rows, start=first))
    for place in range(round(len(rows) / (1 - _VISITS))):
        if identified and rng.random() < _VISITS:
            messages.append(_visit(rng, rng.choice(identified), f"v{run}-{first}-{place}", at))
            continue
        if not waiting:
            break
        number, row = waiting.pop()
        record = record_of(row, run=run, number=number)
        messages.append(_identify(row, record, at))
        if row.source in {"web", "app"}:
            identified.append(record)
    return messages


def _identify(row: Row, record: Record, at: Micros) -> OutgoingMessage:
    return _message(record, f"i-{record[0]}-{record[2]}", "identify", at, traits=dict(row.values))


def _visit(rng: Random, record: Record, message_id: str, at: Micros) -> OutgoingMessage:
    if rng.random() < _PAGES:
        path = rng.choice(_PATHS)
        return _message(record, message_id, "page", at, event="Page", properties={"path": path})
    properties = {"product": f"p-{rng.randrange(200)}", "price": rng.randrange(10, 90)}
    name = rng.choice(_NAMES)
    return _message(record, message_id, "track", at, event=name, properties=properties)


def _message(  # the parts of one event
    record: Record,
    message_id: str,
    kind: str,
    at: Micros,
    *,
    event: str | None = None,
    traits: dict[str, object] | None = None,
    properties: dict[str, object] | None = None,
) -> OutgoingMessage:
    source, key_kind, key = record
    moment = datetime.fromtimestamp(at / 1_000_000, UTC)
    reference = RecordRef(kind=key_kind, key=key)
    message = ChannelEvent(
        id=message_id,
        source=source,
        type=f"plait.{kind}.v1",
        time=moment,
        data=EventData(
            record=reference,
            received_at=moment,
            user_id=key if key_kind == "user_id" else None,
            event=event,
            traits=traits or {},
            properties=properties or {},
        ),
    )
    key_bytes = record_key_bytes(source, reference)
    return OutgoingMessage(topic=TOPIC, key=key_bytes, value=encode(message))
