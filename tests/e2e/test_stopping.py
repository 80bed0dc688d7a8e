"""The console's Stop button, and `pause` and `resume`: nothing is written once they hold."""

import time
from collections.abc import Iterator

import pytest

from tableferry.local.faults import Deny, Freeze, Latency, Slow
from tableferry.runs.ownership import LOOK_SECONDS
from tableferry.segments.working import WRITE_THREADS
from tests.e2e.call_log import put_items, writes
from tests.e2e.command_line import CommandLine
from tests.e2e.stack import COPY, Stack, rows
from tests.support.independent_compare import assert_moved

# Over 30 s of work, if nobody stops it: 16 batches at a time by each of two workers.
ITEMS, BATCH_TIME = 8000, Latency(median_seconds=3.0, p99_seconds=8.0)

# What a destination is cleaned of: more than twice what the threads of a worker delete at once.
STALE = 1000


@pytest.fixture
def untimed(stack: Stack) -> Iterator[None]:
    """Workers that would not hand back by themselves before the end of the test."""
    with stack.worker_timeout(300):
        yield


@pytest.mark.usefixtures("untimed")
def test_stop_and_pause_hold_within_seconds_and_the_run_goes_on(
    stack: Stack, tableferry: CommandLine
) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(ITEMS))
    slow = stack.proxy.add(
        Slow(latency=BATCH_TIME),
        operations="BatchWriteItem",
        tables=destination,
    )
    spec = stack.spec(source, destination, segments=2)
    run = spec["migrationId"]
    execution = stack.start(spec)

    stack.proxy.calls.wait_for("BatchWriteItem", table=destination, at_least=8)
    stopped_at = time.time()
    stack.states.stop_execution(executionArn=execution)
    after_stop = _last_write(stack, destination) - stopped_at
    assert after_stop < 30
    assert stack.outcome(run, "PAUSED")["error"] is None
    assert not stack.leases(run)

    stack.redrive(execution)
    resumed_at = time.time()
    stack.proxy.calls.wait_for("BatchWriteItem", table=destination, since=resumed_at, at_least=8)
    paused = tableferry("pause", run, "--json")
    assert paused.exit_status == 0, paused.output + paused.errors
    assert paused.document["status"] == "PAUSED"
    assert paused.document["heldLeases"] == []
    paused_at = stack.describe(execution)["stopDate"].timestamp()
    after_pause = _last_write(stack, destination) - paused_at
    assert after_pause < 5
    assert 0 < len(stack.items(destination)) < ITEMS
    report = tableferry("report", run, "--json")
    assert (report.exit_status, report.document["status"]) == (1, "PAUSED")

    stack.proxy.remove(slow)
    resumed = tableferry("resume", run, "--json")
    assert resumed.exit_status == 0, resumed.output + resumed.errors
    assert resumed.document["executionArn"] == execution
    output = stack.output(execution)
    assert output["copy"]["written"] == output["copy"]["read"] == ITEMS
    assert stack.describe(execution)["redriveCount"] == 2
    assert stack.entered(execution).count(COPY) == 1
    assert_moved(stack.dynamodb, source, destination)
    print(f"last write {after_stop:.1f} s after Stop, {after_pause:.1f} s after pause")


def test_stop_in_the_middle_of_cleaning_deletes_no_more_and_a_redrive_the_rest(
    stack: Stack,
) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(40))
    stack.load(destination, [{"id": {"S": f"stale-{number}"}} for number in range(STALE)])
    # Each of the worker's threads waits for the answer to a batch of deletes that was done.
    held = stack.proxy.add(
        Freeze(after=True), operations="BatchWriteItem", tables=destination, skip=2
    )
    spec = stack.spec(source, destination, cleanDestination=True, segments=1)
    execution = stack.start(spec)
    stack.until(lambda: stack.proxy.struck(held) == WRITE_THREADS)

    stopped_at = time.time()
    stack.states.stop_execution(executionArn=execution)
    stack.outcome(spec["migrationId"], "PAUSED")
    # A worker looks at the flag before its next request, when its last look is so long ago.
    stack.until(lambda: time.time() - stopped_at > LOOK_SECONDS)
    stack.proxy.remove(held)
    stack.until(lambda: not stack.workers("CleanSegment"))

    assert len(stack.items(destination)) == STALE - 25 * (2 + WRITE_THREADS)
    assert not put_items(writes(stack, destination), destination)

    stack.redrive(execution)
    assert stack.output(execution)["copy"]["written"] == 40
    assert stack.entered(execution).count("CleanDestination") == 1
    assert_moved(stack.dynamodb, source, destination)
    assert len(stack.dynamodb.list_backups(TableName=destination)["BackupSummaries"]) == 1


def test_a_migration_that_was_given_up_does_not_go_on(
    stack: Stack, tableferry: CommandLine
) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(40))
    rule = stack.proxy.add(Deny(), operations="BatchWriteItem", tables=destination)
    spec = stack.spec(source, destination, segments=2)
    run = spec["migrationId"]
    execution = stack.start(spec)
    assert "PermissionMissingError" in stack.failure(execution)
    # An invocation outlives the child that a failed sibling aborted: let none through.
    stack.until(lambda: not stack.workers())
    stack.proxy.remove(rule)

    answer = tableferry("stop", run, "--json")

    assert answer.exit_status == 0, answer.output + answer.errors
    stack.outcome(run, "STOPPED")
    stack.redrive(execution)
    assert "MigrationStoppedError" in stack.failure(execution)
    assert "MigrationStoppedError" in stack.failure(stack.start({**spec, "resume": True}))
    resumed = tableferry("resume", run, "--json")
    assert (resumed.exit_status, resumed.error["name"]) == (1, "MigrationStoppedError")
    assert not stack.items(destination)
    # The destination is free again.
    assert stack.output(stack.start(stack.spec(source, destination)))["copy"]["written"] == 40


def _last_write(stack: Stack, table: str) -> float:
    """When the last write arrived, once every invocation has ended: nothing can come later."""
    stack.until(lambda: not stack.workers(), 60)
    return max(call.at for call in writes(stack, table))
