"""What can go wrong, and what to do about it: retry, reject, or (anything else) a bug."""

from enum import StrEnum


class RejectReason(StrEnum):
    """Why an event can never be accepted as it is. The value is the code users see."""

    BROKEN_JSON = "broken_json"
    NOT_AN_OBJECT = "not_an_object"
    UNKNOWN_TYPE = "unknown_type"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    TOO_LARGE = "too_large"
    TOO_MANY_EVENTS = "too_many_events"
    UNKNOWN_SOURCE = "unknown_source"
    UNKNOWN_WRITE_KEY = "unknown_write_key"
    NO_IDENTIFIER = "no_identifier"
    ILLEGAL_IDENTIFIER = "illegal_identifier"
    BAD_TIME = "bad_time"
    BAD_ENCODING = "bad_encoding"
    TORN_LINE = "torn_line"
    RECORD_FULL = "record_full"
    INTERNAL_ERROR = "internal_error"
    """A bug of ours: the event is kept until it is mended, and stops nobody else's."""


class PlaitError(Exception):
    """Base of the errors this product raises on purpose. Messages never carry personal data."""


class RetryableError(PlaitError):
    """The world failed (broker, database); the same work may succeed later."""


class RejectedError(PlaitError):
    """The message never will be accepted. `detail` says what to do and names no person."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class UsageError(PlaitError):
    """The caller asked for something that cannot be done as asked; exit code 2."""
