"""A person's word on one identifier value: that it ties nobody, or that it does.

Of each value the latest word holds, at equal times the one with the smaller id; so what the words
come to follows from their set. One that says `counted` takes those before it back. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from services.identity.domain.identifiers import HOLDERS_MAX, identifier_key
from services.identity.domain.ids import Micros
from services.identity.domain.steward import CommandId, command_id

VALUE_WORDS_MAX = 10_000  # values of one home: all words are read when one is new


class ValueVerdict(StrEnum):
    GENERIC = "generic"
    NOT_GENERIC = "not_generic"
    COUNTED = "counted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueWord:
    """`type`, `scope` and `value` are those of the identifier as it is compared."""

    id: CommandId
    type: str
    scope: str
    value: str
    verdict: ValueVerdict
    decided_at: Micros
    by: str
    reason: str

    @property
    def key(self) -> int:
        """The key under which the value is found."""
        return identifier_key(self.type, self.scope, self.value)


def value_word_id(
    identifier: tuple[str, str, str],
    verdict: ValueVerdict,
    *,
    decided_at: Micros,
    by: str,
    reason: str,
) -> CommandId:
    return command_id("value", verdict, *identifier, str(decided_at), by, reason)


def latest(words: Iterable[ValueWord]) -> list[ValueWord]:
    """Of each value the word that holds, in the order of the values; `counted` is none."""
    found: dict[tuple[str, str, str], ValueWord] = {}
    for each in sorted(words, key=lambda each: (-each.decided_at, each.id)):
        found.setdefault((each.type, each.scope, each.value), each)
    return [w for _, w in sorted(found.items()) if w.verdict is not ValueVerdict.COUNTED]


def limits_said(words: Iterable[ValueWord]) -> dict[int, int]:
    """Of each key how many records may hold it, where a person said so.

    A value that ties has a limit all the same: its holders are compared with each other.
    """
    return {each.key: _limit(each.verdict) for each in latest(words)}


def _limit(verdict: ValueVerdict) -> int:
    match verdict:
        case ValueVerdict.GENERIC:
            return 0
        case ValueVerdict.NOT_GENERIC:
            return HOLDERS_MAX
        case ValueVerdict.COUNTED:
            raise ValueError("what is counted has the limit of the rules")
        case _:
            assert_never(verdict)
