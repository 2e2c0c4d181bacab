"""`as_of` tokens: how far into the log an answer speaks, partition by partition. Opaque to callers.

One format for all: ingest tells with it where the events of a call stand, the profile API up to
where an answer speaks, and `is_at_least` compares the two.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping

from services.identity.domain.errors import UsageError
from services.identity.ports import Partition, Position

TOKEN_CHARS_MAX = 16_384  # about a thousand partitions, and still a URL that servers take
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)  # int() would take signs, blanks and other digits

Reached = Mapping[Partition, int]
"""The next offset of each partition: every earlier message is in."""


def token(positions: Iterable[Position]) -> str:
    """Of several positions in one partition the furthest counts; their order does not."""
    reached: dict[Partition, int] = {}
    for each in positions:
        reached[each.partition] = max(each.next_offset, reached.get(each.partition, 0))
    return _encode(reached)


def token_of_progress(text: str) -> str:
    """The token of what the resolver notes: `topic:partition:offset`, several with commas."""
    return _encode(_parse(text))


def reached(token: str) -> Reached:
    """Raises UsageError for what `token` never made."""
    if len(token) > TOKEN_CHARS_MAX:
        raise _not_ours()
    padding = "=" * (-len(token) % 4)
    try:
        text = base64.b64decode(token + padding, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise _not_ours() from None
    return _parse(text)


def is_at_least(as_of: str | None, wanted: str) -> bool:
    """Whether an answer that speaks as of one token has seen all that another speaks of.

    Raises UsageError when `wanted` is no token. Before anything was read, `as_of` is None.
    """
    needed = reached(wanted)
    have = {} if as_of is None else reached(as_of)
    return all(have.get(partition, 0) >= offset for partition, offset in needed.items())


def _encode(reached: Reached) -> str:
    text = ",".join(f"{p.topic}:{p.index}:{offset}" for p, offset in sorted(reached.items()))
    return base64.urlsafe_b64encode(text.encode("ascii")).decode("ascii").rstrip("=")


def _parse(text: str) -> Reached:
    found: dict[Partition, int] = {}
    for part in text.split(",") if text else ():
        topic, _, rest = part.partition(":")
        index, _, offset = rest.partition(":")
        if not topic or not _NUMBER.fullmatch(index) or not _NUMBER.fullmatch(offset):
            raise _not_ours()
        found[Partition(topic, int(index))] = int(offset)
    return found


def _not_ours() -> UsageError:
    return UsageError("as_of must be a token that an earlier answer gave")
