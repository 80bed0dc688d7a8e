"""The fake that the tests of sync stand on obeys the ledger's rules."""

import pytest

from tests.fake_ledger import MemoryLedger
from tests.support.sync_log_rules import CONTROL, NOW, Made, SyncLogRules
from tests.unit.live.memory_sync_log import MemorySyncLog


class TestTheFake(SyncLogRules):
    @pytest.fixture
    def made(self) -> Made:
        time, ledger = [NOW], MemoryLedger()
        ledger.create_run(CONTROL, {"steps": {}}, writes=True, keep=True)
        return Made(MemorySyncLog(ledger, lambda: time[0]), ledger, time)
