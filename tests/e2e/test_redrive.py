"""What the console's Redrive and Stop buttons do, by the same plain calls."""

import json
from typing import Any

from tableferry.local.faults import Deny, Latency, Slow
from tests.e2e.stack import Stack, rows

CAST = [{"cast": {"attribute": "n", "to": "S"}}]


def _worker_calls(stack: Stack, table: str) -> list[Any]:
    return stack.proxy.calls.select("BatchWriteItem", table=table)


def test_redrive_goes_on_after_the_bad_item_was_mended(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, [*rows(300), {"id": {"S": "bad"}, "n": {"M": {}}}])
    spec = stack.spec(source, destination, transform=CAST, segments=4)
    execution = stack.start(spec)
    assert stack.wait(execution)["status"] == "FAILED"
    outcome = stack.outcome(spec["migrationId"])
    assert outcome["status"] == "FAILED"
    assert outcome["error"]["name"] == "ItemError"
    assert "bad" in outcome["error"]["cause"]

    stack.dynamodb.put_item(TableName=source, Item={"id": {"S": "bad"}, "n": {"N": "1"}})
    stack.proxy.calls.clear()
    stack.states.redrive_execution(executionArn=execution)
    ended = stack.wait(execution)

    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"])["copy"]["written"] == 301
    assert len(stack.items(destination)) == 301
    # Only the segment with the bad item is copied: the others had ended.
    keys = sum(call.keys for call in _worker_calls(stack, destination))
    assert 0 < keys < 301 - outcome["copy"]["written"] + 1


def test_redrive_goes_on_after_a_refused_permission_was_given_back(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(200))
    rule = stack.proxy.add(Deny(), operations="BatchWriteItem", tables=destination)
    spec = stack.spec(source, destination, segments=3)
    execution = stack.start(spec)
    assert stack.wait(execution)["status"] == "FAILED"
    error = stack.outcome(spec["migrationId"])["error"]
    assert error["name"] == "PermissionMissingError"
    assert destination in error["cause"]
    assert "DestinationTablePattern" in error["hint"]

    stack.proxy.remove(rule)
    stack.states.redrive_execution(executionArn=execution)

    assert stack.wait(execution)["status"] == "SUCCEEDED"
    assert stack.items(destination) == stack.items(source)


def test_stop_holds_within_seconds_and_redrive_goes_on(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(4000))
    slow = stack.proxy.add(
        Slow(latency=Latency(median_seconds=2.0)), operations="BatchWriteItem", tables=destination
    )
    spec = stack.spec(source, destination, segments=2)
    execution = stack.start(spec)
    stack.proxy.calls.wait_for("BatchWriteItem", table=destination)
    stack.states.stop_execution(executionArn=execution)
    stack.until(lambda: stack.outcome(spec["migrationId"])["status"] == "PAUSED")
    stack.until(lambda: not _leases(stack, spec["migrationId"]), 30)
    written = len(stack.items(destination))
    assert written < 4000
    calls = len(_worker_calls(stack, destination))

    stack.proxy.remove(slow)
    stack.states.redrive_execution(executionArn=execution)
    ended = stack.wait(execution)

    assert ended["status"] == "SUCCEEDED"
    assert stack.items(destination) == stack.items(source)
    assert json.loads(ended["output"])["copy"]["written"] == 4000
    assert len(_worker_calls(stack, destination)) > calls


def test_continued_execution_wins_over_the_redriven_old_one(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, [*rows(300), {"id": {"S": "bad"}, "n": {"M": {}}}])
    spec = stack.spec(source, destination, transform=CAST, segments=4)
    old = stack.start(spec)
    assert stack.wait(old)["status"] == "FAILED"
    stack.dynamodb.put_item(TableName=source, Item={"id": {"S": "bad"}, "n": {"N": "1"}})

    new = stack.start({**spec, "resume": True})
    stack.until(lambda: "PlanSegments" in stack.entered(new) or _ended(stack, new))
    stack.states.redrive_execution(executionArn=old)

    assert stack.wait(new)["status"] == "SUCCEEDED"
    assert stack.wait(old)["status"] == "FAILED"
    assert len(stack.items(destination)) == 301
    assert stack.outcome(spec["migrationId"])["status"] == "SUCCEEDED"
    assert "NotOwnerError" in _last_words(stack, old)


def _ended(stack: Stack, execution: str) -> bool:
    return bool(stack.describe(execution)["status"] != "RUNNING")


def _last_words(stack: Stack, execution: str) -> str:
    """The errors of the execution and of its children."""
    found = stack.describe(execution)
    words = [found.get("error", "")]
    for run in stack.states.list_map_runs(executionArn=execution)["mapRuns"]:
        children = stack.states.list_executions(mapRunArn=run["mapRunArn"])["executions"]
        words += [stack.describe(each["executionArn"]).get("error", "") for each in children]
    return " ".join(words)


def _leases(stack: Stack, run: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack.dynamodb.query(
        TableName=stack.outputs["LedgerTableName"],
        KeyConditionExpression="pk = :run AND begins_with(sk, :lease)",
        ExpressionAttributeValues={":run": {"S": run}, ":lease": {"S": "lease#"}},
        ConsistentRead=True,
    )["Items"]
    return found
