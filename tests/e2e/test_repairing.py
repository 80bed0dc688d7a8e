"""Repair in the deployed stack: what it borrows it gives back, and it may be killed."""

import os
import signal
from typing import Any

from tableferry.local.faults import Deny, Freeze, Latency, Slow
from tests.e2e.stack import Stack, rows

SLOWLY = Slow(latency=Latency(median_seconds=1.0))

CHANGED = {"id": {"S": "item-00007"}, "n": {"S": "7"}}
EXTRA = {"id": {"S": "extra"}}


def failed_migration(stack: Stack, **fields: Any) -> tuple[dict[str, Any], str]:
    """A migration whose verification failed: one missing, one extra, one different."""
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(200))
    stack.load(destination, [EXTRA])
    spec = stack.spec(source, destination, verify="content", undo="none", segments=2, **fields)
    execution = stack.start(spec)
    assert "VerificationFailedError" in stack.failure(execution)
    stack.dynamodb.put_item(TableName=destination, Item=CHANGED)
    stack.dynamodb.delete_item(TableName=destination, Key={"id": {"S": "item-00009"}})
    return spec, execution


def repair_of(spec: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**spec, "mode": "verify", "repair": True, "undo": "backup", **fields}


def test_a_failed_migration_is_repaired_and_its_redrive_succeeds(stack: Stack) -> None:
    spec, migration = failed_migration(stack)
    destination = spec["destination"]["tableName"]
    repaired = stack.output(stack.start(repair_of(spec, deleteExtras=True)))
    assert (repaired["verify"]["match"], repaired["undo"]["arn"] is not None) == (True, True)
    [borrowed] = [each for each in stack.ledger(destination) if each["sk"]["S"] == "writer"]
    assert borrowed["run"]["S"] == spec["migrationId"]

    stack.redrive(migration)
    assert stack.output(migration)["verify"]["match"] is True
    assert stack.items(spec["source"]["tableName"]) == stack.items(destination)


def test_a_repair_that_may_not_write_changes_nothing_and_says_so(stack: Stack) -> None:
    spec, migration = failed_migration(stack)
    destination = spec["destination"]["tableName"]
    before = stack.items(destination)
    rule = stack.proxy.add(
        Deny(), operations=["PutItem", "UpdateItem", "DeleteItem"], tables=destination
    )
    repair = stack.start(repair_of(spec, deleteExtras=True))
    assert "PermissionMissingError" in stack.failure(repair)
    outcome = stack.outcome(f"{spec['migrationId']}.verify", "FAILED")
    assert outcome["error"]["name"] == "PermissionMissingError"
    assert destination in outcome["error"]["cause"]
    assert stack.items(destination) == before

    # What it borrowed it gave back, so the migration can be redriven; and so can the repair.
    stack.proxy.remove(rule)
    stack.redrive(repair)
    assert stack.output(repair)["verify"]["match"] is True
    stack.redrive(migration)
    assert stack.output(migration)["verify"]["match"] is True


def test_nothing_is_borrowed_from_a_migration_that_runs(stack: Stack) -> None:
    spec, migration = failed_migration(stack)
    slow = stack.proxy.add(SLOWLY, operations="BatchGetItem")
    stack.redrive(migration)
    repair = stack.start(repair_of(spec))
    assert "is running" in stack.failure(repair)
    stack.proxy.remove(slow)
    assert "VerificationFailedError" in stack.failure(migration)


def test_what_broke_after_the_copy_is_repaired_in_the_migration_itself(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(150))
    spec = stack.spec(source, destination, verify="content", repair=True, segments=2)
    slow = stack.proxy.add(SLOWLY, operations="Scan", tables=destination)
    execution = stack.start(spec)
    stack.until(lambda: "CleanUp" in stack.entered(execution))
    stack.dynamodb.put_item(TableName=destination, Item=CHANGED)
    stack.proxy.remove(slow)
    output = stack.output(execution)
    assert (output["verify"]["match"], output["undo"]["arn"] is not None) == (True, True)
    entered = stack.entered(execution)
    assert entered.index("BackUpDestination", entered.index("CompareTables")) < entered.index(
        "RepairDestination"
    )
    assert entered.count("ReadBothTables") == 2
    assert stack.items(source) == stack.items(destination)


def test_killed_workers_of_verification_and_repair_are_followed_by_others(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(600))
    stack.load(destination, [{**each, "n": {"S": "wrong"}} for each in rows(600)[::2]])
    spec = stack.spec(
        source, destination, mode="verify", verify="content", repair=True, undo="none", segments=2
    )
    execution = stack.start(spec)
    for operation, function in (
        ("Scan", "DigestSegment"),
        ("BatchGetItem", "ComparePartition"),
        (("PutItem", "UpdateItem"), "RepairPartition"),
    ):
        _kill_one(stack, function, operation=operation, tables=(source, destination))
    assert stack.output(execution)["verify"]["match"] is True
    assert stack.items(source) == stack.items(destination)


def _kill_one(stack: Stack, function: str, **request: Any) -> None:
    """Kills the worker of that function that waits for the answer to such a request."""
    held = stack.proxy.add(
        Freeze(after=True), operations=request["operation"], tables=request["tables"], first=1
    )
    stack.until(lambda: stack.proxy.struck(held) == 1)
    (worker, *_) = stack.workers(function)
    os.kill(worker.pid, signal.SIGKILL)
    stack.proxy.remove(held)
