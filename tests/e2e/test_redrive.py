"""What the console's Redrive button does, by the same plain call."""

import json
from typing import Any

from tableferry.local.faults import Deny
from tests.e2e.call_log import reading_scans, writes
from tests.e2e.stack import COPY, Stack, rows
from tests.support.independent_compare import assert_moved

CAST = [{"cast": {"attribute": "n", "to": "S"}}]
SEGMENTS = 4
BAD = {"id": {"S": "bad"}, "n": {"M": {}}}
MENDED = {"id": {"S": "bad"}, "n": {"N": "1"}}


def _cast(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "n": {"S": item["n"]["N"]}}


def test_redrive_goes_on_after_the_bad_item_was_mended(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, [*rows(300), BAD])
    spec = stack.spec(source, destination, transform=CAST, segments=SEGMENTS)
    execution = stack.start(spec)
    assert "States.ExceedToleratedFailureThreshold" in stack.failure(execution)
    outcome = stack.outcome(spec["migrationId"])
    assert outcome["status"] == "FAILED"
    assert outcome["error"]["name"] == "ItemError"
    assert '"bad"' in outcome["error"]["cause"]
    assert "redrive" in outcome["error"]["hint"]
    stack.until(lambda: not stack.workers())
    finished = _finished(stack, spec["migrationId"])
    assert 0 < len(finished) < SEGMENTS

    stack.dynamodb.put_item(TableName=source, Item=MENDED)
    stack.proxy.calls.clear()
    stack.redrive(execution)
    output = stack.output(execution)

    assert output["copy"]["written"] == 301
    assert output["error"] is None
    assert_moved(stack.dynamodb, source, destination, _cast)
    read_again = {call.segment for call in reading_scans(stack, source)}
    assert read_again == set(range(SEGMENTS)) - finished.keys()
    written_again = sum(call.keys for call in writes(stack, destination))
    assert written_again == 301 - sum(finished.values())
    _require_resumed(stack, execution, "MapRunRedriven")


def test_redrive_goes_on_after_a_refused_permission_was_given_back(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(200))
    rule = stack.proxy.add(Deny(), operations="BatchWriteItem", tables=destination)
    spec = stack.spec(source, destination, segments=3)
    execution = stack.start(spec)
    assert "PermissionMissingError" in stack.failure(execution)
    error = stack.outcome(spec["migrationId"])["error"]
    assert error["name"] == "PermissionMissingError"
    assert destination in error["cause"]
    assert "DestinationTablePattern" in error["hint"]

    stack.proxy.remove(rule)
    stack.redrive(execution)

    assert stack.output(execution)["copy"]["written"] == 200
    assert_moved(stack.dynamodb, source, destination)
    _require_resumed(stack, execution, "MapRunRedriven")


def test_redrive_neither_backs_up_nor_cleans_again(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(120))
    stack.load(destination, [{"id": {"S": f"stale-{number}"}} for number in range(60)])
    rule = stack.proxy.add(
        Deny(), operations="BatchWriteItem", tables=destination, body_contains="PutRequest"
    )
    spec = stack.spec(source, destination, cleanDestination=True, segments=2)
    execution = stack.start(spec)
    assert "PermissionMissingError" in stack.failure(execution)
    assert not stack.items(destination)
    stack.load(destination, [{"id": {"S": "new"}}])

    stack.proxy.remove(rule)
    stack.proxy.calls.clear()
    stack.redrive(execution)
    # The one item that came in between is not deleted, but found.
    assert "VerificationFailedError" in stack.failure(execution)

    assert not [call for call in writes(stack, destination) if b"DeleteRequest" in call.body]
    assert len(stack.items(destination)) == 121
    assert len(stack.dynamodb.list_backups(TableName=destination)["BackupSummaries"]) == 1
    assert stack.entered(execution).count("CleanDestination") == 1


def test_redrive_compares_anew_after_what_was_extra_is_gone(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(60))
    extra = {"id": {"S": "extra"}}
    stack.load(destination, [extra])
    spec = stack.spec(source, destination, segments=2, undo="none")
    execution = stack.start(spec)
    assert "VerificationFailedError" in stack.failure(execution)
    outcome = stack.outcome(spec["migrationId"])
    assert outcome["error"]["name"] == "VerificationFailedError"
    assert outcome["verify"]["match"] is False
    assert (outcome["verify"]["sourceItems"], outcome["verify"]["destinationItems"]) == (60, 61)

    stack.redrive(execution)
    assert "VerificationFailedError" in stack.failure(execution)  # nothing was mended yet
    stack.dynamodb.delete_item(TableName=destination, Key=extra)
    stack.proxy.calls.clear()
    stack.redrive(execution)

    assert stack.output(execution)["verify"]["match"] is True
    assert_moved(stack.dynamodb, source, destination)
    assert not writes(stack, destination)
    assert stack.entered(execution).count(COPY) == 1


def test_continued_execution_wins_over_the_redriven_old_one(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, [*rows(300), BAD])
    spec = stack.spec(source, destination, transform=CAST, segments=SEGMENTS)
    old = stack.start(spec)
    assert "ItemError" in stack.failure(old)
    stack.dynamodb.put_item(TableName=source, Item=MENDED)

    new = stack.start({**spec, "resume": True})
    stack.until(lambda: "PlanSegments" in stack.entered(new) or _ended(stack, new))
    stack.redrive(old)

    assert stack.output(new)["copy"]["written"] == 301
    assert "NotOwnerError" in stack.failure(old)
    assert_moved(stack.dynamodb, source, destination, _cast)
    assert stack.outcome(spec["migrationId"])["executionArn"] == new


def _finished(stack: Stack, run: str) -> dict[int, int]:
    """The segments whose copy is done, by the ledger, and how many items each wrote."""
    records = {
        int(item["pk"]["S"].rsplit("#", 1)[1]): json.loads(item["doc"]["S"])
        for item in stack.ledger(run)
        if item["pk"]["S"].startswith(f"{run}#copy#")
    }
    return {
        segment: record["counts"]["written"]
        for segment, record in records.items()
        if record["done"]
    }


def _require_resumed(stack: Stack, execution: str, first: str) -> None:
    """A redrive begins with the state that failed, and enters none before it again."""
    kinds = [event["type"] for event in stack.history(execution)]
    assert kinds[kinds.index("ExecutionRedriven") + 1] == first
    assert kinds[kinds.index("ExecutionRedriven") - 1] == "ExecutionFailed"
    entered = stack.entered(execution)
    assert len(entered) == len(set(entered))
    assert stack.describe(execution)["redriveCount"] == 1


def _ended(stack: Stack, execution: str) -> bool:
    return bool(stack.describe(execution)["status"] != "RUNNING")
