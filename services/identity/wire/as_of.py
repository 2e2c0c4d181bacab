"""`as_of` tokens: how far into a partition an answer speaks. Opaque to callers."""

import base64
import binascii

from services.identity.domain.errors import UsageError
from services.identity.ports import Partition, Position


def token(position: Position) -> str:
    partition = position.partition
    text = f"{partition.topic}:{partition.index}:{position.next_offset}"
    return base64.urlsafe_b64encode(text.encode()).decode("ascii")


def position(token: str) -> Position:
    """Raises UsageError for what `token` never made."""
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode("ascii")
        topic, index, next_offset = text.rsplit(":", 2)
        return Position(Partition(topic, int(index)), int(next_offset))
    except (binascii.Error, ValueError):
        raise UsageError("as_of must be a token that an earlier answer gave") from None
