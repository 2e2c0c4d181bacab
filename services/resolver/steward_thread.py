"""Stewards' wishes for callers that must not block: one thread asks, in turn."""

import asyncio
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from typing import TypeVar

from services.identity.domain.errors import RetryableError
from services.identity.domain.explained import Subject
from services.identity.domain.ids import Micros
from services.identity.domain.steward import CommandId, Verdict
from services.identity.domain.stewarding import ListedDecision, Made, Marked, Refused
from services.identity.domain.value_word import ValueVerdict
from services.identity.store_steward import ReviewItem
from services.resolver.stewarding import Stewards

T = TypeVar("T")
WISHES_WAITING_MAX = 50  # each is a few short reads and one append


class AnsweringSteward:
    """Opened with the first question: most processes that serve are never asked."""

    def __init__(self, open_stewards: Callable[[], Stewards]) -> None:
        self._open = open_stewards
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="steward")
        self._is_open = False
        self._waiting = 0

    @cached_property
    def _stewards(self) -> Stewards:
        stewards = self._open()
        self._is_open = True
        return stewards

    async def decide(
        self, verdict: Verdict, one: Subject, other: Subject, *, at: Micros, by: str, reason: str
    ) -> Made | Refused:
        made = partial(_decide, verdict=verdict, sides=(one, other), at=at, by=by, reason=reason)
        return await self._ask(made)

    async def withdraw(
        self, decision: CommandId, *, at: Micros, by: str, reason: str
    ) -> Made | Refused:
        return await self._ask(lambda s: s.withdraw(decision, at=at, by=by, reason=reason))

    async def mark(
        self,
        identifiers: AbstractSet[tuple[str, str, str]],
        verdict: ValueVerdict,
        *,
        at: Micros,
        by: str,
        reason: str,
    ) -> Marked | None:
        return await self._ask(lambda s: s.mark(identifiers, verdict, at=at, by=by, reason=reason))

    async def listed(
        self, *, before: tuple[Micros, CommandId] | None, decisions_max: int
    ) -> Sequence[ListedDecision]:
        return await self._ask(lambda s: s.listed(before=before, decisions_max=decisions_max))

    async def one(self, decision: CommandId) -> ListedDecision | None:
        return await self._ask(lambda s: s.one(decision))

    async def reviews(self, *, kind: str | None, items_max: int) -> Sequence[ReviewItem]:
        return await self._ask(lambda s: s.reviews(kind=kind, items_max=items_max))

    async def review(self, subject: str) -> ReviewItem | None:
        return await self._ask(lambda s: s.review(subject))

    async def close(self) -> None:
        if self._is_open:
            await self._ask(Stewards.close)
        self._thread.shutdown(wait=False)

    async def _ask(self, question: Callable[[Stewards], T]) -> T:
        """Raises RetryableError where too many wait already."""
        if self._waiting >= WISHES_WAITING_MAX:
            raise RetryableError("too many stewards ask at once")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, lambda: question(self._stewards))
        finally:
            self._waiting -= 1


def _decide(
    stewards: Stewards,
    *,
    verdict: Verdict,
    sides: tuple[Subject, Subject],
    at: Micros,
    by: str,
    reason: str,
) -> Made | Refused:
    return stewards.decide(verdict, *sides, at=at, by=by, reason=reason)
