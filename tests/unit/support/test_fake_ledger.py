"""The ledger in memory keeps the real one's promises."""

import pytest

from tests.fake_ledger import MemoryLedger
from tests.ledger_rules import LedgerRaces, LedgerRules


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


class TestMemoryLedger(LedgerRules, LedgerRaces):
    pass
