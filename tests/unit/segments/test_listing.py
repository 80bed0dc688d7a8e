"""Cutting a table into segments, once."""

from typing import Any

import pytest

from tableferry.model import Work
from tableferry.segments.listing import cut, plan_work

CUTS = {Work.COUNT_SOURCE: 2, Work.COUNT_DESTINATION: 1}


class Steps:
    def __init__(self) -> None:
        self.values: dict[str, dict[str, Any]] = {}

    def step(self, run: str, name: str) -> dict[str, Any] | None:
        return self.values.get(name)

    def record_step(self, run: str, name: str, value: dict[str, Any]) -> None:
        self.values[name] = value


class Lists:
    def __init__(self) -> None:
        self.written: dict[str, list[dict[str, Any]]] = {}

    def write_segments(self, run: str, work: str, segments: list[dict[str, Any]]) -> str:
        self.written[work] = segments
        return f"runs/{run}/{work}-segments.json"


def test_each_work_is_cut_and_the_list_says_which_round() -> None:
    lists = Lists()
    planned = plan_work(Steps(), lists, "run", "verifying", cuts=CUTS, round_number=3)
    assert planned == {
        "key": "runs/run/verifying-segments.json",
        "segments": {"count-source": 2, "count-destination": 1},
    }
    assert lists.written["verifying"] == [
        {"work": "count-source", "round": 3, "segment": 0, "totalSegments": 2},
        {"work": "count-source", "round": 3, "segment": 1, "totalSegments": 2},
        {"work": "count-destination", "round": 3, "segment": 0, "totalSegments": 1},
    ]


def test_a_run_keeps_its_first_cut() -> None:
    steps, lists = Steps(), Lists()
    plan_work(steps, lists, "run", "copying", cuts={Work.COPY: 4})
    again = plan_work(steps, lists, "run", "copying", cuts={Work.COPY: 9})
    assert again["segments"] == {"copy": 4}
    assert len(lists.written["copying"]) == 4


@pytest.mark.parametrize(("setting", "expected"), [("auto", 5), (7, 7)])
def test_the_spec_says_how_many(setting: str | int, expected: int) -> None:
    spec = {"segments": setting, "limits": {"maxConcurrency": 40}}
    assert cut(spec, items=50_000, size_bytes=0) == expected
