"""What the demo says of a budget."""

import pytest

from tableferry.local.throttling import BudgetUsed


def test_a_budget_is_told_with_its_share_and_its_throttles() -> None:
    used = BudgetUsed(2000, units=19_000, seconds=10.0, requests=400, throttled=3)
    assert used.share == pytest.approx(0.95)
    assert "19,000 units in 10 s" in used.text()
    assert "95% of its budget; 3 of 400" in used.text()


def test_nothing_written_is_no_share() -> None:
    assert BudgetUsed(2000, units=0, seconds=0.0, requests=0, throttled=0).share == 0.0
