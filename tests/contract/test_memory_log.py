"""The fake log keeps the contract of the real ones."""

import pytest

from services.identity.adapters.clock import SystemClock
from services.identity.adapters.memory.log import MemoryLog
from services.identity.ports import EventLog
from tests.contract.log_contract import LogContract
from tests.contract.log_fixtures import STALL_MS_MAX
from tests.contract.log_holes_contract import HolesContract, LeaveHole
from tests.contract.log_losses_contract import Remove


class TestMemoryLog(LogContract, HolesContract):
    @pytest.fixture
    def log(self) -> EventLog:
        return MemoryLog(SystemClock())

    @pytest.fixture
    def impatient_log(self, log: MemoryLog) -> EventLog:
        log.stall_seconds_max = STALL_MS_MAX / 1_000
        return log

    @pytest.fixture
    def remove(self, log: MemoryLog) -> Remove:
        return log.remove_before

    @pytest.fixture
    def leave_hole(self, log: MemoryLog) -> LeaveHole:
        return log.leave_hole
