"""What a plan rests on: capacities, times, money, keys, and ways back."""

from typing import Any

import pytest

from tests.fake_tables import keys
from tests.unit.estimates.test_estimating import KILOBYTE, Case, provisioned


def composite(case: Case) -> None:
    """Gives both tables a partition key `pk` of few values and the sort key `id`."""
    for table in (case.old, case.new):
        table.parameters = keys("pk", "id")
    case.old.items = [
        {"pk": {"S": "big" if number % 2 else f"p{number}"}, **item}
        for number, item in enumerate(case.old.items)
    ]


def test_a_budget_below_what_the_table_takes_is_the_bottleneck_and_says_how_to_raise_it() -> None:
    case = Case()
    case.new.parameters = provisioned(5_000, 500)
    plan = case.plan(verify="none", snapshot="none")
    capacity = plan["details"]["time"]["capacity"]
    assert capacity["destinationWrites"] == {"unitsPerSecond": 500, "setBy": "provisioned"}
    assert "provisioned write capacity" in plan["details"]["time"]["raisedBy"]
    assert plan["estimate"]["seconds"] == pytest.approx(2_000, rel=0.02)


def test_a_new_on_demand_table_is_raised_by_warm_throughput() -> None:
    plan = Case().plan(verify="none")
    assert plan["details"]["time"]["capacity"]["destinationWrites"]["unitsPerSecond"] == 4_000
    assert "WarmThroughput" in plan["details"]["time"]["raisedBy"]


def test_provisioned_tables_cost_nothing_more_for_their_units() -> None:
    case = Case()
    case.new.parameters = case.old.parameters = provisioned(5_000, 5_000)
    cost = case.plan()["details"]["cost"]
    assert (cost["readUnits"], cost["writeUnits"]) == (0, 0)
    assert cost["lambda"] > 0 and cost["stepFunctions"] > 0


def test_verification_snapshot_and_idle_stack_are_lines_of_the_bill() -> None:
    cost = Case().plan(verify="count", snapshot="backup")["details"]["cost"]
    size = 1_000_000 * KILOBYTE / 1024**3
    assert cost["ofThatVerification"] == pytest.approx(2 * 0.0313, abs=0.001)
    assert cost["backups"] == pytest.approx(0.10 * size, abs=0.001)
    assert cost["export"] == 0
    assert cost["recoveryPerMonthWhileOn"] is None
    assert cost["idleStackPerMonth"] > 0
    assert "us-east-1, seen 2026-" in cost["prices"]


def test_recovery_that_an_export_turns_on_is_priced() -> None:
    cost = Case().plan(snapshot="export")["details"]["cost"]
    size = 1_000_000 * KILOBYTE / 1024**3
    assert cost["recoveryPerMonthWhileOn"] == pytest.approx(0.20 * size, abs=0.001)
    assert cost["export"] == pytest.approx(0.123 * size, abs=0.001)


def test_a_hot_partition_key_is_warned_of_and_takes_its_time() -> None:
    case = Case(size=900)
    composite(case)
    plan = case.plan(verify="none", snapshot="none")
    assert any("hot partition: 5" in warning for warning in plan["warnings"])
    assert plan["bottleneck"].startswith("one hot partition key of the destination, 1,000")
    assert plan["estimate"]["seconds"] == pytest.approx(500, rel=0.1)


def test_a_hot_key_of_an_index_is_warned_of() -> None:
    case = Case()
    case.old.items = [{**item, "status": {"S": "open"}} for item in case.old.items]
    case.new.parameters = {
        **keys("id"),
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "byStatus",
                "KeySchema": [{"AttributeName": "status", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    }
    case.new.parameters["AttributeDefinitions"] = [
        {"AttributeName": name, "AttributeType": "S"} for name in ("id", "status")
    ]
    assert any("the index byStatus" in warning for warning in case.plan()["warnings"])


def test_collections_over_the_limit_of_a_local_index_are_warned_of() -> None:
    case = Case(count=30_000_000)
    composite(case)
    case.new.parameters = {
        **keys("pk", "id"),
        "LocalSecondaryIndexes": [
            {
                "IndexName": "byBody",
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "body", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    }
    case.new.parameters["AttributeDefinitions"] = [
        {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "id", "body")
    ]
    assert any("over the 10 GB" in warning for warning in case.plan()["warnings"])


@pytest.mark.parametrize(
    ("steps", "tells"),
    [
        ([], True),
        ([{"set": {"attribute": "id", "value": "{% id & 'x' %}"}}], False),
    ],
)
def test_whether_destination_keys_tell_source_keys(steps: list[Any], tells: bool) -> None:
    found = Case().plan(transform=steps)["details"]["keys"]
    assert found["tellsSourceKey"] is tells
    assert (found["reason"] is None) is tells
    assert found["sampledCollisions"] == 0


def test_an_inverse_is_given_where_it_holds_for_the_sample() -> None:
    case = Case()
    rename = [{"rename": {"from": "body", "to": "text"}}]
    details = case.plan(transform=rename)["details"]
    assert details["inverse"] == [{"rename": {"from": "text", "to": "body"}}]
    assert "all of 1," in details["inverseNote"]
    case.old.items[0]["version"] = {"N": "1"}
    details = case.plan(transform=[{"set": {"attribute": "version", "value": 2}}])["details"]
    assert details["inverse"] is None
    assert "do not hold for 1 of 1," in details["inverseNote"]
    removed = case.plan(transform=[{"remove": ["body"]}])["details"]
    assert removed["inverse"] is None and "removed" in removed["inverseNote"]


def test_a_plan_makes_no_call_that_changes_anything() -> None:
    case = Case()
    case.plan(snapshot="export", cleanDestination=True)
    assert case.world.changes == []
    assert "Scan" in case.world.calls
