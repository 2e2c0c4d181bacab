"""Identity of things: every id is a type of its own, and a record's key decides its profile id."""

from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, NewType
from uuid import UUID, uuid5

ProfileId = NewType("ProfileId", str)
MessageId = NewType("MessageId", str)
SourceName = NewType("SourceName", str)
SegmentId = NewType("SegmentId", str)
RecordNumber = NewType("RecordNumber", int)
"""The store's surrogate for a record: compact, never told to anyone, never in the state hash."""
Micros = NewType("Micros", int)
"""An instant: microseconds since 1970-01-01 UTC."""

_PROFILE_NAMESPACE = UUID("6a1f4f0e-2f0b-5f4c-9d83-0b6a4b7f3c11")
_SEPARATOR = "\x1f"


class RecordKey(NamedTuple):
    """What one source calls one of its own things, e.g. (web, anonymous_id, a-17).

    A tuple, since every batch makes, hashes and sorts thousands of them.
    """

    source: str
    kind: str
    key: str

    def text(self) -> str:
        return _SEPARATOR.join((self.source, self.kind, self.key))


def event_id_of(source: str, message_id: str) -> UUID:
    """(source, message id) as a 128-bit hash: what makes an event the same event."""
    text = f"{source}{_SEPARATOR}{message_id}".encode()
    return UUID(bytes=blake2b(text, digest_size=16).digest())


@lru_cache(maxsize=16_384)  # visits come in sessions
def profile_id_of(record: RecordKey) -> ProfileId:
    """The id a profile has when this record is its anchor. It never changes and never dies."""
    return ProfileId(str(uuid5(_PROFILE_NAMESPACE, record.text())))
