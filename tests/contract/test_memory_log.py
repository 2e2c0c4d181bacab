"""The fake log keeps the contract of the real ones."""

import pytest

from services.identity.adapters.clock import SystemClock
from services.identity.adapters.memory.log import MemoryLog
from services.identity.ports import EventLog
from tests.contract.log_contract import LogContract


class TestMemoryLog(LogContract):
    @pytest.fixture
    def log(self) -> EventLog:
        return MemoryLog(SystemClock())
