"""What a function prints in the embedded metric format is a metric."""

import datetime
import json
from typing import Any

import pytest

from tests.integration.engine.lab import Lab

gap = pytest.mark.gap("metrics")


def sums(lab: Lab, namespace: str, name: str, **dimensions: str) -> list[float]:
    now = datetime.datetime.now(datetime.UTC)
    answer = lab.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - datetime.timedelta(hours=1),
        EndTime=now + datetime.timedelta(minutes=1),
        Period=3600 * 2,
        Statistics=["Sum"],
    )
    return [point["Sum"] for point in answer["Datapoints"]]


def printing(lab: Lab, line: dict[str, Any]) -> str:
    text = json.dumps(line)
    return lab.function(f"def handler(event, context): print({text!r})")


def emf(lab: Lab, *dimensions: list[str], **values: Any) -> dict[str, Any]:
    moment = int(datetime.datetime.now(datetime.UTC).timestamp() * 1000)
    directive = {
        "Namespace": "Lab",
        "Dimensions": list(dimensions),
        "Metrics": [{"Name": "Copied", "Unit": "Count"}],
    }
    return {"_aws": {"Timestamp": moment, "CloudWatchMetrics": [directive]}, **values}


@gap
def test_metric_line_becomes_a_metric(lab: Lab) -> None:
    function = printing(lab, emf(lab, ["service"], service="one", Copied=[25, 17]))
    lab.invoke(function)
    lab.invoke(function)
    assert sums(lab, "Lab", "Copied", service="one") == [84.0]


@gap
def test_each_set_of_dimensions_is_a_metric_of_its_own(lab: Lab) -> None:
    line = emf(lab, ["service"], ["service", "table"], service="two", table="t", Copied=3)
    lab.invoke(printing(lab, line))
    assert sums(lab, "Lab", "Copied", service="two") == [3.0]
    assert sums(lab, "Lab", "Copied", service="two", table="t") == [3.0]


@pytest.mark.parametrize("line", ['{"_aws": 1}', '"_aws"', '{"_aws": {"CloudWatchMetrics": [}'])
def test_line_that_only_looks_like_one_is_just_logged(lab: Lab, line: str) -> None:
    function = lab.function(f"def handler(event, context): print({line!r})\n")
    assert lab.invoke(function) is None
