"""Stewards' decisions as the API answers them, and cursors through their list. Pure."""

import re
from collections.abc import Sequence

from services.identity.domain.ids import Micros, RecordKey
from services.identity.domain.steward import SIDE_RECORDS_MAX, CommandId, Decision, Withdrawal
from services.identity.domain.stewarding import ListedDecision, Refusal, Refused
from services.identity.domain.value_word import ValueWord
from services.profile_api.problems import Code, ProblemError
from services.profile_api.times import instant

_CURSOR = re.compile(r"([0-9]{1,18})-([0-9a-f]{32})", re.ASCII)
_SIDES = ("left", "right")


def decision_view(decision: Decision) -> dict[str, object]:
    return {
        "id": decision.id,
        "verdict": decision.verdict,
        "left": _names(decision.left),
        "right": _names(decision.right),
        "decided_at": instant(decision.decided_at),
        "by": decision.by,
        "reason": decision.reason,
    }


def listed_view(listed: ListedDecision) -> dict[str, object]:
    return {
        **decision_view(listed.decision),
        "force": listed.force,
        "against": list(listed.against),
        "withdrawal": withdrawal_view(listed.withdrawal) if listed.withdrawal else None,
    }


def withdrawal_view(withdrawal: Withdrawal) -> dict[str, object]:
    return {
        "id": withdrawal.id,
        "at": instant(withdrawal.decided_at),
        "by": withdrawal.by,
        "reason": withdrawal.reason,
    }


def value_word_view(word: ValueWord, *, show_value: bool) -> dict[str, object]:
    shown: dict[str, object] = {
        "id": word.id,
        "key": str(word.key),
        "type": word.type,
        "scope": word.scope,
        "verdict": word.verdict,
        "decided_at": instant(word.decided_at),
        "by": word.by,
        "reason": word.reason,
    }
    return shown | {"value": word.value} if show_value else shown


def write_cursor(last: Decision) -> str:
    return f"{last.decided_at}-{last.id}"


def read_cursor(text: str) -> tuple[Micros, CommandId] | None:
    """None for what `write_cursor` never made."""
    found = _CURSOR.fullmatch(text)
    return None if found is None else (Micros(int(found[1])), CommandId(found[2]))


def refusal(refused: Refused) -> ProblemError:
    """Why it was not made, and what to do."""
    which = "" if refused.side is None else f" of `{_SIDES[refused.side]}`"
    profiles = {"profiles": list(refused.profiles)}
    match refused.refusal:
        case Refusal.UNKNOWN:
            return ProblemError(Code.UNKNOWN_PROFILE, f"no record is known by the name{which}")
        case Refusal.AMBIGUOUS:
            detail = f"several profiles hold the identifier{which}: name one of their ids"
            return ProblemError(Code.AMBIGUOUS_IDENTITY, detail, members=profiles)
        case Refusal.OVERLAP:
            return ProblemError(
                Code.INVALID_REQUEST, "a record stands on both sides: name the records of each"
            )
        case Refusal.TOO_MANY:
            return ProblemError(
                Code.TOO_MANY_RECORDS,
                f"the profile{which} has {refused.records} records, and a decision names at most"
                f" {SIDE_RECORDS_MAX}: name the record that is meant",
            )
        case Refusal.CONTRADICTS:
            ids = ", ".join(each.id for each in refused.decisions)
            return ProblemError(
                Code.CONTRADICTS,
                f"what is asked and {ids} cannot both hold: withdraw that first",
                members={"decisions": [decision_view(each) for each in refused.decisions]},
            )
        case Refusal.UNKNOWN_DECISION:
            return ProblemError(Code.UNKNOWN_DECISION, "no decision has this id")


def _names(keys: Sequence[RecordKey]) -> list[dict[str, str]]:
    return [{"source": key.source, "kind": key.kind, "key": key.key} for key in keys]
