"""A live migration: what it refuses, what a pause and a redrive leave going, how it ends."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tableferry.live.tombstones import INTERNAL
from tableferry.local.faults import Latency, Slow
from tests.e2e.command_line import CommandLine
from tests.e2e.stack import Stack, rows
from tests.support.independent_compare import assert_moved, differences

Item = dict[str, Any]


def live_spec(stack: Stack, source: str, destination: str, **fields: Any) -> dict[str, Any]:
    return stack.spec(source, destination, strategy="live", segments=2, **fields)


def stream_on(stack: Stack, table: str, view: str = "NEW_AND_OLD_IMAGES") -> None:
    stream = {"StreamEnabled": True, "StreamViewType": view}
    stack.dynamodb.update_table(TableName=table, StreamSpecification=stream)


def stream_of(stack: Stack, table: str) -> dict[str, Any] | None:
    found: dict[str, Any] = stack.dynamodb.describe_table(TableName=table)["Table"]
    return found.get("StreamSpecification")


def mappings(stack: Stack) -> list[str]:
    found = stack.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    return sorted(each["EventSourceArn"] for each in found)


def tables(stack: Stack) -> set[str]:
    return set(stack.dynamodb.list_tables()["TableNames"])


def items_of(stack: Stack, table: str) -> dict[str, Item]:
    return {item["id"]["S"]: item for item in stack.items(table).values()}


def wait_until_equal(stack: Stack, source: str, destination: str) -> None:
    """Sync has no event to wait for."""
    stack.until(lambda: not differences(stack.dynamodb, source, destination), 60)


@pytest.fixture
def source(stack: Stack) -> Iterator[str]:
    name = stack.create_table()
    stack.load(name, rows(50))
    yield name


# --- what is refused, before anything is touched ---


def require_refused(
    stack: Stack, tableferry: CommandLine, spec: dict[str, Any], *words: str
) -> None:
    """Refused by a clear error, and nothing is there that was not there before."""
    before = (tables(stack), mappings(stack), stream_of(stack, spec["source"]["tableName"]))
    answer = tableferry.migrate(spec)
    assert answer.exit_status == 2, answer.output + answer.errors
    said = json.dumps(answer.document)
    assert all(word in said for word in words), said
    after = (tables(stack), mappings(stack), stream_of(stack, spec["source"]["tableName"]))
    assert after == before


def test_a_stream_of_another_view_is_refused(
    stack: Stack, tableferry: CommandLine, source: str
) -> None:
    stream_on(stack, source, "KEYS_ONLY")
    spec = live_spec(stack, source, stack.create_table())
    require_refused(stack, tableferry, spec, "KEYS_ONLY", "NEW_AND_OLD_IMAGES")
    assert not stack.ledger(spec["migrationId"])


def test_a_destination_with_items_is_refused(
    stack: Stack, tableferry: CommandLine, source: str
) -> None:
    destination = stack.create_table()
    stack.load(destination, rows(1))
    spec = live_spec(stack, source, destination)
    require_refused(stack, tableferry, spec, destination, "empty")
    assert len(items_of(stack, destination)) == 1


@pytest.mark.parametrize(
    "steps",
    [
        [{"set": {"attribute": "id", "value": "{% $string(n) & 'x' %}"}}],
        [{"set": {"attribute": "id", "value": "one"}}],
        [{"rename": {"from": "id", "to": "was"}}, {"rename": {"from": "text", "to": "id"}}],
    ],
)
def test_keys_that_can_change_hands_are_refused(
    stack: Stack, tableferry: CommandLine, steps: list[Any]
) -> None:
    source = stack.create_table()
    stack.load(source, rows(3, text={"S": "t"}))
    spec = live_spec(stack, source, stack.create_table(), transform=steps)
    require_refused(stack, tableferry, spec, "tell")


def test_live_twice_is_refused(stack: Stack, tableferry: CommandLine, source: str) -> None:
    destination = stack.create_table()
    spec = live_spec(stack, source, destination)
    stack.output(stack.start(spec))
    # The id is used up; and another id would be a second migration of the source.
    again = {**spec, "destination": {"tableName": stack.create_table()}}
    require_refused(stack, tableferry, again, spec["migrationId"])
    second = live_spec(stack, source, stack.new_name())
    second["destination"]["create"] = "likeSource"
    require_refused(stack, tableferry, second, "live", spec["migrationId"])
    assert not stack.ledger(second["migrationId"])
    # The first one goes on.
    stack.load(source, rows(60, text={"S": "later"}))
    wait_until_equal(stack, source, destination)


def test_an_item_with_the_internal_name_fails_the_copy_by_name(stack: Stack, source: str) -> None:
    destination = stack.create_table()
    stack.load(source, [{"id": {"S": "odd"}, INTERNAL: {"BOOL": True}}])
    execution = stack.start(live_spec(stack, source, destination))
    said = stack.failure(execution)
    assert "ItemError" in said and INTERNAL in said and "odd" in said
    assert "odd" not in items_of(stack, destination)
    stack.dynamodb.delete_item(TableName=source, Key={"id": {"S": "odd"}})
    stack.redrive(execution)
    # Sync saw it too, as a record whose old image can not be migrated: mended, as it is gone.
    stack.output(execution)
    assert "odd" not in items_of(stack, destination)


# --- stop, redrive, another execution ---


def test_sync_goes_on_when_the_execution_has_failed(stack: Stack, source: str) -> None:
    destination = stack.create_table()
    bad = {"id": {"S": "bad"}, "n": {"M": {}}}
    stack.load(source, [bad])
    cast = [{"cast": {"attribute": "n", "to": "S"}}, {"cast": {"attribute": "n", "to": "N"}}]
    spec = live_spec(stack, source, destination, transform=cast)
    execution = stack.start(spec)
    assert "ItemError" in stack.failure(execution)
    # The execution has failed; sync belongs to the migration.
    for item in rows(50, text={"S": "while it stands still"}):
        stack.dynamodb.put_item(TableName=source, Item=item)
    stack.until(lambda: len(items_of(stack, destination)) == 50)
    stack.dynamodb.delete_item(TableName=source, Key={"id": {"S": "item-00007"}})
    stack.until(lambda: INTERNAL in items_of(stack, destination)["item-00007"])
    # Mended by a value, not by a deletion: what was never there in the destination comes now.
    stack.dynamodb.put_item(TableName=source, Item={"id": {"S": "bad"}, "n": {"N": "1"}})
    stack.until(lambda: "bad" in items_of(stack, destination))


def test_stop_holds_the_copy_while_sync_goes_on(stack: Stack, source: str) -> None:
    destination = stack.create_table()
    stack.load(source, rows(3000))
    slow = stack.proxy.add(
        Slow(latency=Latency(median_seconds=1.0)),
        operations="BatchExecuteStatement",
        tables=destination,
    )
    spec = live_spec(stack, source, destination, verify="count")
    execution = stack.start(spec)
    stack.proxy.calls.wait_for("BatchExecuteStatement", table=destination, at_least=8)
    stack.states.stop_execution(executionArn=execution)
    stack.outcome(spec["migrationId"], "PAUSED")
    stack.until(lambda: not stack.workers())
    inserts = stack.proxy.calls.count("BatchExecuteStatement", table=destination)
    stack.dynamodb.put_item(TableName=source, Item={"id": {"S": "new"}, "n": {"N": "1"}})
    stack.until(lambda: "new" in items_of(stack, destination))
    assert stack.proxy.calls.count("BatchExecuteStatement", table=destination) == inserts
    stack.proxy.remove(slow)
    stack.redrive(execution)
    output = stack.output(execution)
    assert output["verify"]["match"] is True
    assert_moved(stack.dynamodb, source, destination)


def test_another_execution_goes_on_and_the_old_one_is_no_owner(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, [*rows(50), {"id": {"S": "bad"}, INTERNAL: {"S": "x"}}])
    spec = live_spec(stack, source, destination, onItemError="quarantine", verify="none")
    old = stack.start(spec)
    stack.until(lambda: "PlanSegments" in stack.entered(old))
    stack.states.stop_execution(executionArn=old)
    stack.outcome(spec["migrationId"], "PAUSED")
    new = stack.start({**spec, "resume": True})
    stack.until(lambda: "PlanSegments" in stack.entered(new))
    stack.redrive(old)
    stack.output(new)
    assert "NotOwnerError" in stack.failure(old)
    stack.dynamodb.delete_item(TableName=source, Key={"id": {"S": "bad"}})
    wait_until_equal(stack, source, destination)


# --- how it ends ---


def test_nothing_of_ours_stays_in_the_destination_and_a_repair_works_beside_sync(
    stack: Stack, source: str
) -> None:
    destination = stack.create_table()
    stream_on(stack, source)
    spec = live_spec(stack, source, destination)
    execution = stack.start(spec)
    for number in range(0, 50, 2):
        stack.dynamodb.delete_item(TableName=source, Key={"id": {"S": f"item-{number:05d}"}})
    stack.output(execution)
    wait_until_equal(stack, source, destination)
    assert not [item for item in items_of(stack, destination).values() if INTERNAL in item]

    # The execution has ended and sync goes on: a repair works beside it.
    stack.dynamodb.put_item(TableName=destination, Item={"id": {"S": "item-00001"}})
    repair = {**spec, "mode": "verify", "verify": "content", "repair": True, "undo": "none"}
    verifying = stack.start(repair)
    stack.until(lambda: "PlanRepair" in stack.entered(verifying))
    stack.dynamodb.put_item(TableName=source, Item={"id": {"S": "late"}, "n": {"N": "1"}})
    stack.until(lambda: "late" in items_of(stack, destination))
    assert stack.output(verifying)["verify"]["match"] is True
    assert not differences(stack.dynamodb, source, destination)


def test_stop_ends_sync_and_leaves_no_tombstone(
    stack: Stack, tableferry: CommandLine, source: str
) -> None:
    destination = stack.create_table()
    stack.load(source, [{"id": {"S": "odd"}, INTERNAL: {"BOOL": True}}])
    spec = live_spec(stack, source, destination)
    assert "ItemError" in stack.failure(stack.start(spec))
    stack.dynamodb.delete_item(TableName=source, Key={"id": {"S": "item-00001"}})
    stack.until(lambda: INTERNAL in items_of(stack, destination).get("item-00001", {}))
    arn = stack.dynamodb.describe_table(TableName=source)["Table"]["LatestStreamArn"]
    assert arn in mappings(stack)
    answer = tableferry("stop", spec["migrationId"], "--json")
    assert answer.exit_status in {0, 1}, answer.output + answer.errors
    stack.until(lambda: arn not in mappings(stack))
    stack.until(lambda: not any(INTERNAL in i for i in items_of(stack, destination).values()))
    stack.dynamodb.put_item(TableName=source, Item={"id": {"S": "late"}, "n": {"N": "1"}})
    # The source is free for another migration, which needs an empty table.
    second = live_spec(stack, source, stack.create_table(), onItemError="quarantine")
    stack.dynamodb.delete_item(TableName=source, Key={"id": {"S": "odd"}})
    stack.output(stack.start(second))
    assert "late" not in items_of(stack, destination)
