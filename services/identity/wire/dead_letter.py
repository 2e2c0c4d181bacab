"""Dead letters: the original bytes of what could not be accepted, and the reason."""

import base64
from datetime import datetime

import msgspec

from services.identity.domain.errors import RejectReason


class DeadLetter(msgspec.Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """`body` is base64 of the original bytes, so that even what is not UTF-8 can be sent again.

    `origin` says where it was refused (`ingest`, `file`, `land`), `position` where it stood:
    a batch index, a line number, or topic/partition/offset.
    """

    reason: RejectReason
    detail: str
    origin: str
    at: datetime
    body: str
    source: str | None = None
    position: str | None = None

    def original(self) -> bytes:
        return base64.b64decode(self.body)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(DeadLetter)


def encode(letter: DeadLetter) -> bytes:
    return _encoder.encode(letter)


def decode(raw: bytes) -> DeadLetter:
    return _decoder.decode(raw)


def body_of(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
