"""What one event may hold at most: bounds that protect every reader of the log."""

import re
from dataclasses import dataclass

from services.identity.domain.errors import RejectedError, RejectReason

DEPTH_MAX = 64  # nested deeper, readers of the log run out of stack
ID_CHARS_MAX = 255  # a longer one is a broken sender, not an identifier
INTEGER_MAX = 2**64 - 1  # JSON readers disagree on larger integers
INTEGER_MIN = -(2**63)

_LONG_NUMBER = re.compile(rb"[0-9]{19}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one request's parts, from the service's settings."""

    event_bytes_max: int = 32 * 1024
    events_per_batch_max: int = 2_000


def check_size(raw: bytes | memoryview, limits: Limits) -> None:
    """Raises RejectedError(TOO_LARGE)."""
    if len(raw) > limits.event_bytes_max:
        raise RejectedError(
            RejectReason.TOO_LARGE,
            f"an event may have {limits.event_bytes_max} bytes; this one has {len(raw)}:"
            " send less in properties or context",
        )


def check_shape(raw: bytes, value: object) -> None:
    """Refuse nesting and integers that readers of the log cannot hold.

    The cheap looks at the bytes spare almost every event the walk through its values.
    """
    if raw.count(b"{") + raw.count(b"[") > DEPTH_MAX or _LONG_NUMBER.search(raw):
        _walk(value)


def _walk(value: object) -> None:
    level: list[object] = [value]
    for _ in range(DEPTH_MAX):
        inner: list[object] = []
        for each in level:
            if isinstance(each, dict):
                inner.extend(each.values())
            elif isinstance(each, list | tuple):
                inner.extend(each)
            elif isinstance(each, int) and not INTEGER_MIN <= each <= INTEGER_MAX:
                raise RejectedError(
                    RejectReason.WRONG_TYPE, "a number has more than 64 bits; send it as text"
                )
        if not inner:
            return
        level = inner
    raise RejectedError(
        RejectReason.TOO_LARGE, f"nested deeper than {DEPTH_MAX} levels; send it flatter"
    )


def check_id(name: str, value: str) -> str:
    """Raises RejectedError(ILLEGAL_IDENTIFIER) for what no store could keep as a key."""
    if len(value) > ID_CHARS_MAX:
        raise RejectedError(
            RejectReason.ILLEGAL_IDENTIFIER, f"{name} has more than {ID_CHARS_MAX} characters"
        )
    if _CONTROL.search(value):
        raise RejectedError(
            RejectReason.ILLEGAL_IDENTIFIER, f"{name} holds a control character; remove it"
        )
    return value
