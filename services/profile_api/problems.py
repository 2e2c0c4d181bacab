"""Refusals as problem+json (RFC 9457): a code, what is wrong, what to do. Never personal data."""

from collections.abc import Mapping
from enum import StrEnum

from starlette.responses import Response

from services.identity.wire.problem import MEDIA_TYPE, problem


class Code(StrEnum):
    """Why a request was not answered as asked. The value is the code that callers see."""

    INVALID_REQUEST = "invalid_request"
    NO_KEY = "no_key"
    UNKNOWN_KEY = "unknown_key"
    MISSING_SCOPE = "missing_scope"
    UNKNOWN_PROFILE = "unknown_profile"
    UNKNOWN_ACCOUNT = "unknown_account"
    UNKNOWN_SEGMENT = "unknown_segment"
    UNKNOWN_MESSAGE = "unknown_message"
    AMBIGUOUS_IDENTITY = "ambiguous_identity"
    SEVERAL_ACCOUNTS = "several_accounts"
    ONE_PROFILE = "one_profile"
    UNKNOWN_DECISION = "unknown_decision"
    UNKNOWN_REVIEW = "unknown_review"
    CONTRADICTS = "contradicts"
    TOO_MANY_RECORDS = "too_many_records"
    SEVERAL_PROFILES = "several_profiles"
    NOT_SURE_ENOUGH = "identity_confidence_below_asked"
    NOT_COVERED = "not_covered"
    NO_SUCH_PATH = "no_such_path"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    TOO_LARGE = "too_large"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


STATUS_OF: Mapping[Code, int] = {
    Code.INVALID_REQUEST: 422,
    Code.NO_KEY: 401,
    Code.UNKNOWN_KEY: 401,
    Code.MISSING_SCOPE: 403,
    Code.UNKNOWN_PROFILE: 404,
    Code.UNKNOWN_ACCOUNT: 404,
    Code.UNKNOWN_SEGMENT: 404,
    Code.UNKNOWN_MESSAGE: 404,
    Code.AMBIGUOUS_IDENTITY: 300,
    Code.SEVERAL_ACCOUNTS: 300,
    Code.ONE_PROFILE: 409,
    Code.UNKNOWN_DECISION: 404,
    Code.UNKNOWN_REVIEW: 404,
    Code.CONTRADICTS: 409,
    Code.TOO_MANY_RECORDS: 422,
    Code.SEVERAL_PROFILES: 409,
    Code.NOT_SURE_ENOUGH: 409,
    Code.NOT_COVERED: 412,
    Code.NO_SUCH_PATH: 404,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.TOO_LARGE: 413,
    Code.UNAVAILABLE: 503,
    Code.INTERNAL: 500,
}
TITLE_OF: Mapping[Code, str] = {
    Code.INVALID_REQUEST: "The request cannot be read as it is",
    Code.NO_KEY: "A key is needed",
    Code.UNKNOWN_KEY: "The key is not known",
    Code.MISSING_SCOPE: "The key may not do this",
    Code.UNKNOWN_PROFILE: "There is no such profile",
    Code.UNKNOWN_ACCOUNT: "There is no such account",
    Code.UNKNOWN_SEGMENT: "There is no such segment",
    Code.UNKNOWN_MESSAGE: "No event is known by this message id",
    Code.AMBIGUOUS_IDENTITY: "Several profiles hold this identifier",
    Code.SEVERAL_ACCOUNTS: "Several workspaces have an account of this name",
    Code.ONE_PROFILE: "Both stand in one profile",
    Code.UNKNOWN_DECISION: "There is no such decision",
    Code.UNKNOWN_REVIEW: "There is nothing of this id to review",
    Code.CONTRADICTS: "A decision that stands says otherwise",
    Code.TOO_MANY_RECORDS: "One side has more records than a decision can name",
    Code.SEVERAL_PROFILES: "The two stand in different profiles",
    Code.NOT_SURE_ENOUGH: "The identity is less sure than this use asks for",
    Code.NOT_COVERED: "The answer would not have seen what it was asked to",
    Code.NO_SUCH_PATH: "There is nothing at this path",
    Code.METHOD_NOT_ALLOWED: "The path does not take this method",
    Code.TOO_LARGE: "The request is too large",
    Code.UNAVAILABLE: "The store cannot be reached; ask again",
    Code.INTERNAL: "This is a fault of the service",
}


class ProblemError(Exception):
    """Ends a request with a refusal. `members` are added to the body."""

    def __init__(
        self,
        code: Code,
        detail: str,
        *,
        members: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.members = members or {}
        self.headers = headers or {}

    def response(self) -> Response:
        status = STATUS_OF[self.code]
        body = problem(
            self.code.value,
            status=status,
            title=TITLE_OF[self.code],
            detail=self.detail,
            members=self.members,
        )
        headers = {"Cache-Control": "no-store", **self.headers}
        return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)
