"""Explanations for callers that must not block: one thread asks the explainer, in turn."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from services.identity.domain.errors import RetryableError
from services.identity.domain.explained import Explained, How, Subject, Unexplained, WhyNot

if TYPE_CHECKING:  # what explains brings DuckDB and Splink, which few commands need
    from services.resolver.explaining.explainer import Explainer

T = TypeVar("T")
QUESTIONS_WAITING_MAX = 20  # each takes some milliseconds, and two seconds at most


class AnsweringExplainer:
    """Opened with the first question: what explains is heavy, and most processes never ask."""

    def __init__(self, open_explainer: Callable[[], "Explainer"]) -> None:
        self._open = open_explainer
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="explainer")
        self._is_open = False
        self._waiting = 0

    @cached_property
    def _explainer(self) -> "Explainer":
        self._is_open = True
        return self._open()

    async def explain(self, one: Subject, other: Subject) -> Explained | Unexplained:
        return await self._ask(lambda: self._explainer.explain(one, other))

    async def why_not(self, one: Subject, other: Subject) -> WhyNot | Unexplained:
        return await self._ask(lambda: self._explainer.why_not(one, other))

    async def how(self, subject: Subject) -> How | Unexplained:
        return await self._ask(lambda: self._explainer.how(subject))

    async def close(self) -> None:
        if self._is_open:
            await self._ask(self._explainer.close)
        self._thread.shutdown(wait=False)

    async def _ask(self, question: Callable[[], T]) -> T:
        """Raises RetryableError where too many wait already."""
        if self._waiting >= QUESTIONS_WAITING_MAX:
            raise RetryableError("too many explanations are asked for at once")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, question)
        finally:
            self._waiting -= 1
