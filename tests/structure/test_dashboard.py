"""The dashboard and the alarms draw metrics that the functions publish, by dimensions they have."""

import json
import re
import runpy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.structure import project

STACK = "${AWS::StackName}"
BODY = project.resources("AWS::CloudWatch::Dashboard")["Dashboard"]["Properties"]["DashboardBody"]
WIDGETS = json.loads(BODY["Fn::Sub"])["widgets"]
ALARMS = project.resources("AWS::CloudWatch::Alarm")
MODULES = [*project.source_modules(), *project.function_modules()]
SOURCE = "\n".join((project.ROOT / module.path).read_text() for module in MODULES)
# What observe.py and live/measuring.py publish a metric for, beside the stack alone.
DIMENSIONS = [{"service"}, {"service", "Work"}, {"service", "Work", "Migration"}]
AWS_METRICS = {"ExecutionsFailed", "ExecutionsTimedOut"}


def metrics() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Namespace, name and dimensions of every metric that is drawn."""
    for widget in WIDGETS:
        for metric in widget["properties"].get("metrics", []):
            words = [word for word in metric if isinstance(word, str)]
            if words:
                namespace, name, *pairs = words
                yield namespace, name, dict(zip(pairs[::2], pairs[1::2], strict=True))


def is_published(name: str) -> bool:
    """Whether the source names it; throttles are named after AWS's reason (observe.py)."""
    kind = name.removeprefix("ThrottledBy")
    return f'"{name}"' in SOURCE or (kind != name and f'"{kind}"' in SOURCE)


@pytest.mark.parametrize(("namespace", "name", "dimensions"), list(metrics()))
def test_what_is_drawn_is_published(namespace: str, name: str, dimensions: dict[str, str]) -> None:
    if namespace == "AWS/States":
        assert name in AWS_METRICS and set(dimensions) == {"StateMachineArn"}
        return
    assert namespace == "Tableferry"
    assert is_published(name)
    assert set(dimensions) in DIMENSIONS
    assert dimensions["service"] == STACK


class TwoMinutes:
    """What CloudWatch would answer: two minutes, and one migration for a search."""

    times = (0, 60)

    def search(self, _pattern: str, _stat: str) -> dict[str, dict[int, float]]:
        return {"prefs-v2": {0: 600.0}}


def test_the_picture_knows_the_formulas_of_the_dashboard() -> None:
    path = project.ROOT / "scripts" / "draw-dashboard"
    script = runpy.run_path(str(path), run_name="draw-dashboard")
    known = {
        "planned": {0: 200.0},
        "read": {0: 50.0, 60: 100.0},
        "used": {0: 120.0},
        "budget": {0: 9.0},
    }
    formula = script["Formula"](TwoMinutes(), known)
    drawn = {text: formula.of(text.replace(STACK, "stack")) for text in expressions()}
    values = sorted(map(str, drawn.values()))
    # Percent of the items; minutes left; units a second; the budget's line; items a second.
    assert str({0: 25.0, 60: 75.0}) in values
    assert str({0: 150 / (50 / 60) / 60, 60: 50 / (100 / 60) / 60}) in values
    assert str({0: 2.0}) in values
    assert str({0: 9.0, 60: 9.0}) in values
    assert str({"prefs-v2": {0: 10.0}}) in values


def test_the_dashboard_shows_what_an_operator_asks_for() -> None:
    titles = " ".join(widget["properties"].get("title", "") for widget in WIDGETS).lower()
    for word in ("percent", "time left", "second", "budget", "throttled", "errors", "behind"):
        assert word in titles
    drawn = {name for _, name, _ in metrics()}
    assert {"ItemsRead", "WriteUnits", "WriteUnitBudget", "SyncLag", "PoisonRecords"} <= drawn


def expressions() -> list[str]:
    return [
        option["expression"]
        for widget in WIDGETS
        for metric in widget["properties"].get("metrics", [])
        for option in metric
        if isinstance(option, dict) and "expression" in option
    ]


def test_searches_look_in_a_set_of_dimensions_that_is_published() -> None:
    searches = [re.search(r"\{Tableferry,([\w,]+)\}", text) for text in expressions()]
    found = [set(match[1].split(",")) for match in searches if match]
    assert found
    assert all(each in DIMENSIONS for each in found)


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_says_what_to_do_and_looks_at_what_is_published(name: str) -> None:
    alarm: dict[str, Any] = ALARMS[name]["Properties"]
    assert alarm["AlarmDescription"].strip()
    assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    assert alarm["TreatMissingData"] == "notBreaching"
    [dimension] = alarm["Dimensions"]
    if alarm["Namespace"] == "AWS/States":
        assert alarm["MetricName"] in AWS_METRICS
    else:
        assert is_published(alarm["MetricName"])
        assert dimension == {"Name": "service", "Value": {"Ref": "AWS::StackName"}}
