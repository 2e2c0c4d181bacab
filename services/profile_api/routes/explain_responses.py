"""The shape of an explanation, for the OpenAPI description."""

from typing import Literal

from pydantic import Field

from services.profile_api.responses import Answer, RecordAnswer, StandingAnswer


class NumberedRecordAnswer(RecordAnswer):
    number: int = Field(description="Tells records apart where their keys are not shown")


class SharedIdentifierAnswer(Answer):
    type: str
    value: str = Field(description="*** unless values are asked for")
    priority: int


class KeyAnswer(Answer):
    kind: Literal["identifier", "blocking"]
    name: str
    outcome: Literal["shared", "generic", "different", "missing"]
    holders_max: int | None = Field(description="Where generic: more records than this hold it")
    steward: bool = Field(description="Whether that limit is a steward's word, not the rules'")


class RowAnswer(Answer):
    kind: Literal["prior", "comparison", "term_frequency", "household_cap", "cluster_step", "claim"]
    label: str
    level: str
    units: int
    bits: float
    left: str | None = Field(description="What was compared; *** unless values are asked for")
    right: str | None


class WaterfallAnswer(Answer):
    """The units of all rows add up to the units of the whole, exactly."""

    units: int = Field(description="The match weight in 2^-20 bits")
    bits: float
    probability: float
    words: list[str]
    rows: list[RowAnswer]


class PairAnswer(Answer):
    left: NumberedRecordAnswer
    right: NumberedRecordAnswer
    identifiers: list[SharedIdentifierAnswer] = Field(description="Decisive ones that both carry")
    keys: list[KeyAnswer]
    weight: WaterfallAnswer


class StepAnswer(Answer):
    number: int
    kind: Literal["steward", "identifier", "weight", "anonymous"]
    words: str
    left: list[NumberedRecordAnswer] = Field(description="At most 100 of the group")
    right: list[NumberedRecordAnswer]
    left_records: int
    right_records: int
    identifier: SharedIdentifierAnswer | None
    steward_decision: str | None = Field(description="The id of the decision that joined them")
    pair: PairAnswer = Field(description="The two records that stand for the groups")
    decision: WaterfallAnswer | None = Field(description="The pair's rows and the cluster step")
    link: WaterfallAnswer | None = Field(description="The same weight column by column")


class BoundedAnswer(Answer):
    records: int
    records_max: int
    pairs: int
    pairs_max: int


class StandpointAnswer(StandingAnswer):
    settled: bool = Field(
        description="What is stored is what was worked out again; false where something waits"
    )
    component_records: int
    bounded: BoundedAnswer | None = Field(
        description="Where the component is too large to be worked through: there is no path then"
    )


class ExplainedAnswer(StandpointAnswer):
    profile_id: str
    left: NumberedRecordAnswer
    right: NumberedRecordAnswer
    path: list[StepAnswer]
    direct: PairAnswer = Field(description="What the two weigh by themselves")


class BetweenAnswer(Answer):
    left: list[NumberedRecordAnswer]
    right: list[NumberedRecordAnswer]


class WhyNotAnswer(StandpointAnswer):
    reason: Literal[
        "no_events",
        "separated_by_steward",
        "never_candidates",
        "vetoed",
        "scored_too_low",
        "cut_by_ladder",
        "blast_radius",
        "merge_policy",
        "shared_device",
        "nothing_to_compare",
        "separated_in_clustering",
        "not_settled",
        "component_too_large",
    ]
    words: str
    facts: dict[str, str | int | float] = Field(description="What the words count")
    left: NumberedRecordAnswer
    right: NumberedRecordAnswer
    profile_ids: list[str | None]
    pair: PairAnswer
    between: BetweenAnswer | None = Field(description="The two groups that were not joined")
    link: WaterfallAnswer | None = Field(description="What the two groups weigh, by column")


class UnitAnswer(Answer):
    records: list[NumberedRecordAnswer]
    identifiers: list[SharedIdentifierAnswer] = Field(description="Decisive ones they carry")


class NoteAnswer(Answer):
    kind: str
    facts: dict[str, str | int | float]


class FragileAnswer(Answer):
    without_record: NumberedRecordAnswer | None
    without_identifier: SharedIdentifierAnswer | None
    parts: list[list[NumberedRecordAnswer]]


class HowAnswer(StandpointAnswer):
    profile_id: str
    identity_confidence: float | None = Field(description="Of the weakest join; null: not known")
    ambiguous: bool
    records: list[NumberedRecordAnswer]
    units: list[UnitAnswer] = Field(description="What was one before any weight was asked")
    steps: list[StepAnswer] = Field(description="Every join, in order; the first 200")
    steps_left_out: int
    notes: list[NoteAnswer] = Field(description="What its component left for a person to look at")
    fragile: list[FragileAnswer] | None = Field(
        description="What it would fall into without one record or identifier; null: not tried"
    )
