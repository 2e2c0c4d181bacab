"""Refusals as problem+json (RFC 9457), and what a door says of itself: one form for all services.

Never personal data: a detail names no person.
"""

from collections.abc import Mapping

import msgspec

MEDIA_TYPE = "application/problem+json"
JSON = "application/json"
ALIVE = b'{"status":"ok"}'
UNAVAILABLE = "unavailable"
RETRY_AFTER_SECONDS = 1

_encoder = msgspec.json.Encoder()


def problem(
    code: str,
    *,
    status: int,
    title: str,
    detail: str,
    members: Mapping[str, object] | None = None,
) -> bytes:
    """`members` stand beside the five that every problem has."""
    body = {
        "type": f"urn:plait:problem:{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        **(members or {}),
    }
    return _encoder.encode(body)


def retry_after(seconds: int) -> dict[str, str]:
    """The headers of what may be asked again."""
    return {"Retry-After": str(seconds)}
