"""Readiness asks the log: not too often, not twice at once, and not for ever."""

import asyncio
import threading

import pytest

from services.identity.domain.errors import RetryableError
from services.ingest.log_check import LogCheck


class Log:
    """Answers when it is let, or says that it is away."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.is_away = False
        self.asked = 0

    def ask(self) -> object:
        self.asked += 1
        self.may_answer.wait(5)
        if self.is_away:
            raise RetryableError("the log cannot be reached")
        return None


async def test_an_answer_is_believed_for_a_while() -> None:
    log = Log()
    check = LogCheck(log.ask, cache_ms=60_000, wait_ms_max=1_000)
    for _ in range(3):
        await check.check()
    assert log.asked == 1


async def test_a_log_that_is_away_is_asked_each_time() -> None:
    log = Log()
    check = LogCheck(log.ask, cache_ms=60_000, wait_ms_max=1_000)
    log.is_away = True
    for _ in range(2):
        with pytest.raises(RetryableError, match="cannot be reached"):
            await check.check()
    log.is_away = False
    await check.check()
    assert log.asked == 3


async def test_a_log_that_hangs_is_asked_once_and_not_waited_for() -> None:
    log = Log()
    check = LogCheck(log.ask, cache_ms=0, wait_ms_max=20)
    log.may_answer.clear()
    for _ in range(3):
        with pytest.raises(RetryableError, match="in time"):
            await check.check()
    assert log.asked == 1
    log.may_answer.set()
    await asyncio.sleep(0.05)
    await check.check()
