"""What a pull request may not lose: CPU against boto3 in the same run, and the use of a budget.

The margins are generous, for the machine may be busy: docs/benchmarks.md has the figures.
"""

import pytest

from bench import budget
from bench.__main__ import BASE, measure

ITEMS = 10_000


@pytest.mark.bench
def test_a_copy_takes_less_than_half_of_what_a_boto3_client_loop_takes() -> None:
    results = measure(ITEMS, rounds=2, ways=(BASE, "copy", "insert-if-absent"))
    for way in ("copy", "insert-if-absent"):
        assert results[way]["cpuMicros"] < results[BASE]["cpuMicros"] / 2
        assert results[way]["peakMegabytes"] < 200


@pytest.mark.bench
def test_a_budget_is_used_kept_and_followed() -> None:
    found = budget.measure(workers=4, units=1000.0, seconds=16.0, item_units=4)
    assert found.used_share > 0.5
    assert found.worst_window_share < 1.2
    assert found.throttled_share < 0.02
    assert 0.6 < found.halved_share < 1.1
