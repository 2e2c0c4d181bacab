"""The shape of a trace, for the OpenAPI description; tests hold the answers to it."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from services.profile_api.responses import Answer, RecordAnswer, Scalar, StandingAnswer, StayAnswer


class PlaceAnswer(Answer):
    topic: str
    partition: int
    offset: int


class TimesAnswer(Answer):
    received_at: datetime
    sent_at: datetime | None
    original_timestamp: datetime | None
    occurred_at: datetime = Field(description="Received, less what lies between original and sent")
    dated: bool
    skew_ms: int | None = Field(description="Received less sent: clock and way; null: not said")


class DedupeAnswer(Answer):
    copies: int
    counts_from: datetime = Field(description="When the copy that counts occurred: the earliest")


class TracedRecordAnswer(RecordAnswer):
    version: int
    events: int


class ShownAnswer(Answer):
    shown: bool = Field(description="The profile shows this record's value")
    source: str
    at: datetime | None
    rule: str


class TracedFieldAnswer(Answer):
    name: str
    value: Scalar = Field(description="*** unless values are asked for")
    outcome: Literal["won", "lost", "unknown"] = Field(description="In its record")
    held_by: str | None = Field(description="The message whose value the record holds")
    held_at: datetime | None
    in_profile: ShownAnswer | None


class TracedIdentifierAnswer(Answer):
    type: str
    value: Scalar
    outcome: Literal["taken", "refused"]
    reason: Literal["type_not_declared", "empty", "too_long", "blocked_value", "unreadable"] | None
    decisive: bool


class GenericKeyAnswer(Answer):
    kind: str = Field(description="The identifier's type, or blocking")
    told: bool = Field(description="Already acted upon by the resolver")
    holders_max: int = Field(description="Held by more records than this it makes no pair")


class KeysAnswer(Answer):
    count: int
    identifiers: int
    blocking: int
    generic: list[GenericKeyAnswer]


class NeighbourAnswer(Answer):
    record: RecordAnswer
    profile_id: str | None


class CandidateRecordAnswer(NeighbourAnswer):
    keys: int = Field(description="How many keys it shares that are not generic")


class EdgeAnswer(NeighbourAnswer):
    match_weight_bits: float


class TracedProfileAnswer(Answer):
    profile_id: str
    changed_at: datetime
    changes_told: int = Field(description="The sequence of the last change told about it")
    changes_unsent: int | None = Field(description="null: the outbox is too long to be looked at")
    segments: list[StayAnswer]


class EventTraceAnswer(Answer):
    source: str
    event_id: str
    type: str
    event: str | None
    log: PlaceAnswer | None = Field(description="null: unknown, it landed before this was kept")
    times: TimesAnswer
    dedupe: DedupeAnswer
    record: TracedRecordAnswer
    fields: list[TracedFieldAnswer]
    identifiers: list[TracedIdentifierAnswer]
    keys: KeysAnswer
    candidates: list[CandidateRecordAnswer] = Field(description="At most 50")
    edges: list[EdgeAnswer] = Field(description="At most 50, the heaviest first")
    resolved: bool | None = Field(description="null: too much waits to be looked through")
    profile: TracedProfileAnswer | None


class LetterAnswer(Answer):
    id: str
    state: Literal["open", "redriven"]
    reason: str
    detail: str
    origin: str
    stage: str | None
    source: str | None
    position: str | None
    first_at: datetime
    last_at: datetime
    tries: int


class TraceAnswer(StandingAnswer):
    message_id: str
    traces: list[EventTraceAnswer] = Field(description="One for each source that used this id")
    dead_letters: list[LetterAnswer] | None = Field(
        description="null: unknown, as the log is not in this database"
    )
