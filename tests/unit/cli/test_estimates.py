"""A plan as text, and an estimate beside what the run took."""

from typing import Any

from tableferry.cli.estimate_text import estimate_lines
from tableferry.cli.plan_text import plan_lines
from tests.unit.estimates.test_estimating import Case

ESTIMATE: dict[str, Any] = {
    "items": 1000,
    "readUnits": 750,
    "writeUnits": 1010,
    "seconds": 44,
    "usd": 0.02,
    "bottleneck": "writing the destination, 40 write units a second",
}
OUTCOME: dict[str, Any] = {
    "status": "SUCCEEDED",
    "seconds": 40.1,
    "copy": {"written": 1000},
    "consumed": {"readUnits": 750, "writeUnits": 1000.0},
}


def test_a_plan_says_what_raises_the_bottleneck_what_it_costs_and_the_way_back() -> None:
    rename = [{"rename": {"from": "body", "to": "text"}}]
    text = "\n".join(line.text for line in plan_lines(Case().plan(transform=rename)))
    assert "bottleneck: writing the destination, 4,000 write units a second" in text
    assert "to raise it: set its WarmThroughput" in text
    assert "write units 0.62" in text or "write units 0.63" in text
    assert "prices of us-east-1, seen 2026-" in text
    assert "the idle stack costs" in text
    assert "destination keys tell source keys; collisions: 0" in text
    assert "there is a way back" in text
    assert '  - body: {"S": "xxx' in text
    assert max(map(len, text.splitlines())) < 400, "an item of 1 KB does not fill the terminal"


def test_an_estimate_stands_beside_what_it_took() -> None:
    text = "\n".join(line.text for line in estimate_lines({"estimate": ESTIMATE}, OUTCOME))
    assert "750 for 750 read units (+0.0%)" in text
    assert "1,010 for 1,000 write units (+1.0%)" in text
    assert "bottleneck: writing the destination, 40" in text


def test_a_run_that_is_not_over_or_has_no_estimate_has_no_such_line() -> None:
    assert estimate_lines({}, OUTCOME) == []
    assert estimate_lines({"estimate": ESTIMATE}, {**OUTCOME, "status": "FAILED"}) == []
