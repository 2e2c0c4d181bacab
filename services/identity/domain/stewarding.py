"""What a steward may ask for, and what is answered: made, taken back, or refused and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.identity.domain.ids import ProfileId
from services.identity.domain.steward import CommandId, Decision, Withdrawal
from services.identity.domain.value_word import ValueWord


class Refusal(StrEnum):
    """Why a decision is not made."""

    UNKNOWN = "unknown"  # nobody is known by the name of a side
    AMBIGUOUS = "ambiguous"  # several people are
    OVERLAP = "overlap"  # a record stands on both sides
    TOO_MANY = "too_many"  # a side has more records than a steward can have seen
    CONTRADICTS = "contradicts"  # decisions that stand say otherwise
    UNKNOWN_DECISION = "unknown_decision"  # there is nothing to take back


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """`side`: 0 or 1, where it is one of them. `decisions`: those that stand against it."""

    refusal: Refusal
    side: int | None = None
    profiles: Sequence[ProfileId] = ()
    decisions: Sequence[Decision] = ()
    records: int = 0


class Force(StrEnum):
    """Whether a decision holds today."""

    APPLIED = "applied"
    VOID = "void"  # it contradicts later ones
    DORMANT = "dormant"  # of one side no record is there
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDecision:
    """`against`: the decisions that a void one contradicts."""

    decision: Decision
    force: Force
    against: Sequence[CommandId] = ()
    withdrawal: Withdrawal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A command in the log. `as_of`: an answer that has seen this much knows it.

    None where it stood already: then nothing was sent.
    """

    command: Decision | Withdrawal
    as_of: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """What was said of a value, of each identifier that it may be; `as_of` as of `Made`."""

    words: Sequence[ValueWord]
    as_of: str | None
