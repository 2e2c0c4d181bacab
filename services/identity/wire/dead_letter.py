"""Dead letters: the original bytes of what could not be accepted, the reason, and every try of it.

The topic is append-only: each failed try of a letter is an entry of its own, and so is the note
that it was sent again. What a letter is today follows from all its entries, in any order: it is
open while its latest failed try is later than the latest try that was sent again.
"""

import base64
from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from types import TracebackType
from typing import Any

import msgspec
from msgspec.structs import replace

from services.identity.domain.errors import RejectReason

RETRY_HEADER = "plait-retry"
"""On a message of channel-events: of which letter it is another try."""
LAND = "land"  # the origin of what was refused on its way from the log into the store
ID_CHARS_MAX = 512  # of a message id or a source as the refused bytes give it

Headers = tuple[tuple[str, bytes], ...]

_ROOT = "services."


class DeadLetter(msgspec.Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """`body` is base64 of the original bytes, so that even what is not UTF-8 can be sent again.

    `origin` says where it was refused (`ingest`, `file`, `land`), `position` where it stood:
    a batch index, a line number, or topic/partition/offset; `stage` which of our functions refused
    it. `at` is its last try and `firstAt` its first, the `tries`-th. `headers` are those it came
    with (values in base64); `sentAt` and `context` are what its request said for all of its events,
    `loadAt` is the instant of undated rows of its file.
    A `redriven` entry says that this try was sent again; it has no body.
    """

    reason: RejectReason
    detail: str
    origin: str
    at: datetime
    body: str
    source: str | None = None
    position: str | None = None
    id: str | None = None
    message_id: str | None = None
    stage: str | None = None
    first_at: datetime | None = None
    tries: int = 1
    headers: list[tuple[str, str]] = []
    sent_at: str | None = None
    context: dict[str, Any] = {}
    load_at: datetime | None = None
    redriven: bool = False

    def original(self) -> bytes:
        return base64.b64decode(self.body)

    def original_headers(self) -> Headers:
        return tuple((name, base64.b64decode(value)) for name, value in self.headers)

    @property
    def first(self) -> datetime:
        """When it was first refused: what its arrival is reckoned by, however often it is tried."""
        return self.first_at or self.at

    @property
    def letter_id(self) -> str:
        """The same for every try. A letter of the log is known by its place: a replay is no new."""
        if self.id is not None:
            return self.id
        when = () if self.origin == LAND else (self.source or "", self.first.isoformat())
        parts = (self.origin, *when, self.position or "", self.body)
        return blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()


class Retry(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What a message that is sent again carries on from its letter."""

    letter: str
    first_at: datetime
    tries: int


class _Sender(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    source: str | None = None
    id: str | None = None
    message_id: str | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(DeadLetter)
_retries = msgspec.json.Decoder(Retry)
_senders = msgspec.json.Decoder(_Sender)


def encode(letter: DeadLetter) -> bytes:
    """With its id, so that whoever reads the topic can tell tries of one letter."""
    return _encoder.encode(replace(letter, id=letter.letter_id))


def decode(raw: bytes) -> DeadLetter:
    return _decoder.decode(raw)


def body_of(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def headers_of(headers: Iterable[tuple[str, bytes]]) -> list[tuple[str, str]]:
    """As a letter keeps them: without our own note of which try it is."""
    return [(name, body_of(value)) for name, value in headers if name != RETRY_HEADER]


def retry_header(letter: DeadLetter) -> tuple[str, bytes]:
    """For the message with which a letter is tried again."""
    retry = Retry(letter=letter.letter_id, first_at=letter.first, tries=letter.tries + 1)
    return (RETRY_HEADER, _encoder.encode(retry))


def retry_of(headers: Iterable[tuple[str, bytes]]) -> Retry | None:
    """None for a first try; a header that is not ours says nothing."""
    for name, value in headers:
        if name == RETRY_HEADER:
            try:
                return _retries.decode(value)
            except msgspec.MsgspecError:
                return None
    return None


def sender_of(raw: bytes) -> tuple[str | None, str | None]:
    """The source and the message id in an event's bytes, as far as they can be read."""
    try:
        said = _senders.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None, None
    source, message_id = said.source, said.id or said.message_id
    return (
        source if source and len(source) <= ID_CHARS_MAX else None,
        message_id if message_id and len(message_id) <= ID_CHARS_MAX else None,
    )


def stage_of(error: BaseException) -> str | None:
    """Where in our code it was raised, as module:function; None for an error never raised."""
    place: str | None = None
    found: TracebackType | None = error.__traceback__
    while found is not None:
        module = str(found.tb_frame.f_globals.get("__name__", ""))
        if module.startswith(_ROOT):
            place = f"{module.removeprefix(_ROOT)}:{found.tb_frame.f_code.co_name}"
        found = found.tb_next
    return place
