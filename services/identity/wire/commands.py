"""Messages of identity-commands: what people decide, each with an id that follows from its content.

A command is told from another by its id alone, so a repeat says nothing new; one whose id is not
that of its content is refused, and no second content can pass under an id that was taken.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec

from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.domain.ids import Micros, RecordKey
from services.identity.domain.steward import (
    BY_CHARS_MAX,
    REASON_CHARS_MAX,
    SIDE_RECORDS_MAX,
    CommandId,
    Decision,
    Verdict,
    Withdrawal,
    decision_id,
    withdrawal_id,
)
from services.identity.domain.value_word import ValueVerdict, ValueWord, value_word_id
from services.identity.ports import OutgoingMessage

IDENTITY_COMMANDS = "identity-commands"
KEY_CHARS_MAX = 1_024
INSTANT_MAX = 253_402_300_799_999_999  # the end of the year 9999, in microseconds

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=KEY_CHARS_MAX)]
By = Annotated[str, msgspec.Meta(min_length=1, max_length=BY_CHARS_MAX)]
Why = Annotated[str, msgspec.Meta(min_length=1, max_length=REASON_CHARS_MAX)]
Id = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
At = Annotated[int, msgspec.Meta(ge=0, le=INSTANT_MAX)]


class RecordName(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A record by its source and its key there."""

    source: Text
    kind: Text
    key: Text


Side = Annotated[list[RecordName], msgspec.Meta(min_length=1, max_length=SIDE_RECORDS_MAX)]


class DecideIdentity(
    msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="type",
    tag="identity.decide",
):  # fmt: skip
    """A steward says that two sides are one person, or two. `at` is when, in microseconds."""

    id: Id
    verdict: Literal["same", "different"]
    left: Side
    right: Side
    at: At
    by: By
    reason: Why


class WithdrawDecision(
    msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="type",
    tag="identity.withdraw",
):  # fmt: skip
    """A steward takes a decision back: all is as if it had never been made."""

    id: Id
    decision: Id
    at: At
    by: By
    reason: Why


class MarkValue(
    msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="type",
    tag="identity.mark_value",
):  # fmt: skip
    """A steward says that an identifier's value ties nobody, or that it does, whoever holds it.

    `counted` takes it back: the number of its holders decides again.
    """

    id: Id
    identifier: Text
    scope: Text
    value: Text
    verdict: Literal["generic", "not_generic", "counted"]
    at: At
    by: By
    reason: Why


Command = DecideIdentity | WithdrawDecision | MarkValue
Said = Decision | Withdrawal | ValueWord
"""What a command says, as a value."""

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)


def decide(
    verdict: Verdict,
    left: Iterable[RecordKey],
    right: Iterable[RecordKey],
    *,
    decided_at: Micros,
    by: str,
    reason: str,
) -> Decision:
    """A decision with the id of its content; its sides in key order."""
    one, other = sorted(set(left)), sorted(set(right))
    found = decision_id(verdict, one, other, decided_at=decided_at, by=by, reason=reason)
    return Decision(
        id=found, verdict=verdict, left=one, right=other, decided_at=decided_at, by=by,
        reason=reason,
    )  # fmt: skip


def withdraw(decision: CommandId, *, decided_at: Micros, by: str, reason: str) -> Withdrawal:
    found = withdrawal_id(decision, decided_at=decided_at, by=by, reason=reason)
    return Withdrawal(id=found, decision=decision, decided_at=decided_at, by=by, reason=reason)


def mark_value(
    identifier: tuple[str, str, str],
    verdict: ValueVerdict,
    *,
    decided_at: Micros,
    by: str,
    reason: str,
) -> ValueWord:
    """A word on an identifier (type, scope and value as it is compared), with its id."""
    found = value_word_id(identifier, verdict, decided_at=decided_at, by=by, reason=reason)
    type_, scope, value = identifier
    return ValueWord(
        id=found, type=type_, scope=scope, value=value, verdict=verdict, decided_at=decided_at,
        by=by, reason=reason,
    )  # fmt: skip


def outgoing(command: Said) -> OutgoingMessage:
    """The message of a command, under the id of the decision or the key of what it is about."""
    match command:
        case Decision(id=id_):
            message: Command = DecideIdentity(
                id=id_,
                verdict=command.verdict.value,
                left=_names(command.left),
                right=_names(command.right),
                at=command.decided_at,
                by=command.by,
                reason=command.reason,
            )
            subject: str = id_
        case ValueWord(id=id_):
            message = MarkValue(
                id=id_,
                identifier=command.type,
                scope=command.scope,
                value=command.value,
                verdict=command.verdict.value,
                at=command.decided_at,
                by=command.by,
                reason=command.reason,
            )
            subject = str(command.key)
        case Withdrawal(id=id_, decision=subject):
            message = WithdrawDecision(
                id=id_,
                decision=subject,
                at=command.decided_at,
                by=command.by,
                reason=command.reason,
            )
    return OutgoingMessage(
        topic=IDENTITY_COMMANDS, key=subject.encode(), value=_encoder.encode(message)
    )


def decode(raw: bytes) -> Command:
    """Raises msgspec.DecodeError (broken JSON) or msgspec.ValidationError (wrong shape)."""
    return _decoder.decode(raw)


def read(raw: bytes) -> Said:
    """Raises RejectedError for what is no command of ours."""
    try:
        command = decode(raw)
    except msgspec.ValidationError:
        raise RejectedError(
            RejectReason.WRONG_TYPE, "not an identity command; see schemas/events"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RejectedError(RejectReason.BROKEN_JSON, "the command is not JSON") from None
    at = Micros(command.at)
    made: Said
    if isinstance(command, WithdrawDecision):
        made = withdraw(
            CommandId(command.decision), decided_at=at, by=command.by, reason=command.reason
        )
    elif isinstance(command, MarkValue):
        made = mark_value(
            (command.identifier, command.scope, command.value),
            ValueVerdict(command.verdict),
            decided_at=at,
            by=command.by,
            reason=command.reason,
        )
    else:
        left, right = _keys(command.left), _keys(command.right)
        if not left.isdisjoint(right):
            raise RejectedError(
                RejectReason.ILLEGAL_IDENTIFIER, "a record stands on both sides of the decision"
            )
        made = decide(
            Verdict(command.verdict), left, right, decided_at=at, by=command.by,
            reason=command.reason,
        )  # fmt: skip
    if made.id != command.id:
        raise RejectedError(
            RejectReason.ILLEGAL_IDENTIFIER, "the id of a command must follow from its content"
        )
    return made


def _names(keys: Sequence[RecordKey]) -> list[RecordName]:
    return [RecordName(source=key.source, kind=key.kind, key=key.key) for key in keys]


def _keys(names: Iterable[RecordName]) -> frozenset[RecordKey]:
    return frozenset(RecordKey(each.source, each.kind, each.key) for each in names)
