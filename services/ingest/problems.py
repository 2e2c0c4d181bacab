"""Refusals as problem+json (RFC 9457): a code, what is wrong, what to do. Never personal data."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.wire.problem import MEDIA_TYPE, UNAVAILABLE, problem, retry_after

STATUS_OF: Mapping[RejectReason, int] = {
    RejectReason.BROKEN_JSON: 400,
    RejectReason.NOT_AN_OBJECT: 400,
    RejectReason.UNKNOWN_TYPE: 400,
    RejectReason.MISSING_FIELD: 400,
    RejectReason.WRONG_TYPE: 400,
    RejectReason.TOO_LARGE: 413,
    RejectReason.TOO_MANY_EVENTS: 413,
    RejectReason.UNKNOWN_SOURCE: 404,
    RejectReason.UNKNOWN_WRITE_KEY: 401,
    RejectReason.NO_IDENTIFIER: 400,
    RejectReason.ILLEGAL_IDENTIFIER: 400,
    RejectReason.BAD_TIME: 400,
    RejectReason.BAD_ENCODING: 400,
    RejectReason.TORN_LINE: 400,
    RejectReason.RECORD_FULL: 400,
    RejectReason.INTERNAL_ERROR: 500,
}
TITLE_OF: Mapping[int, str] = {
    400: "The request cannot be accepted as it is",
    401: "The write key is not known",
    404: "There is nothing here by this name",
    413: "The request is too large",
    500: "This is a fault of the service",
    503: "The event log cannot be reached; nothing was lost, send again",
}


def refused(
    error: RejectedError, *, is_kept: bool = False, rejected: Sequence[Mapping[str, Any]] = ()
) -> Response:
    """`dead_lettered` says whether what was sent can be found in the dead letters."""
    members: dict[str, Any] = {"dead_lettered": is_kept}
    if rejected:
        members["rejected"] = rejected
    return _problem(STATUS_OF[error.reason], error.reason.value, error.detail, members=members)


def unavailable(detail: str, *, retry_after_seconds: int) -> Response:
    return _problem(
        503,
        UNAVAILABLE,
        f"{detail}; send again after {retry_after_seconds} s, repeats are recognised",
        headers=retry_after(retry_after_seconds),
    )


def no_such_door(status: int) -> Response:
    detail = "post events to /v1/track, /v1/batch, /v1/billing/events and their like"
    return _problem(status, "no_such_door", f"{detail}; schemas/openapi/ingest.v1.json lists all")


def _problem(
    status: int,
    code: str,
    detail: str,
    *,
    members: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """`message` repeats the detail: the tracking SDKs report `code` and `message` to their user."""
    body = problem(
        code,
        status=status,
        title=TITLE_OF.get(status, "There is no such door"),
        detail=detail,
        members={"message": detail, **(members or {})},
    )
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)
