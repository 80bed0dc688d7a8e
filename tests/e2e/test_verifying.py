"""Verification by content in the deployed stack, by the same plain calls as the console makes."""

import json

from tests.e2e.call_log import reading_scans
from tests.e2e.stack import Stack, rows

CHANGED = {"id": {"S": "item-00007"}, "n": {"S": "7"}}
EXTRA = {"id": {"S": "extra"}}
READ_ONLY = {"DescribeTable", "DescribeTimeToLive", "Scan", "BatchGetItem"}


def test_a_migration_proves_the_content_of_both_tables(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(500, tags={"SS": ["b", "a"]}))
    steps = [{"rename": {"from": "n", "to": "number"}}]
    spec = stack.spec(source, destination, transform=steps, segments=3)
    del spec["verify"]
    verify = stack.output(stack.start(spec))["verify"]
    assert (verify["level"], verify["match"]) == ("content", True)
    assert (verify["sourceItems"], verify["destinationItems"]) == (500, 500)
    assert (verify["sample"], verify["detailsUri"]) == ([], None)


def test_two_tables_that_nobody_moved_are_compared_and_what_differs_is_named(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(300))
    stack.load(destination, [*rows(300)[:7], *rows(300)[8:-1], CHANGED, EXTRA])
    spec = stack.spec(source, destination, mode="verify", verify="content", segments=2)
    execution = stack.start(spec)
    assert "VerificationFailedError" in stack.failure(execution)
    outcome = stack.outcome(f"{spec['migrationId']}.verify")
    verify = outcome["verify"]
    assert (outcome["mode"], outcome["status"], verify["match"]) == ("verify", "FAILED", False)
    assert (verify["missing"], verify["extra"], verify["different"]) == (1, 1, 1)
    named = {(each["kind"], each["key"]["id"]["S"]) for each in verify["sample"]}
    assert named == {("missing", "item-00299"), ("extra", "extra"), ("different", "item-00007")}
    details = verify["detailsUri"].partition("/outcomes/")[2]
    lines = [json.loads(line) for line in stack.read(f"outcomes/{details}").splitlines()]
    assert {(each["kind"], each["key"]["id"]["S"]) for each in lines} == named
    asked = stack.proxy.calls.select(table=destination)
    assert {call.operation for call in asked} <= READ_ONLY


def test_redrive_passes_after_the_differences_were_mended_and_reads_nothing_else(
    stack: Stack,
) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(200))
    stack.load(destination, [EXTRA])
    spec = stack.spec(source, destination, verify="content", undo="none", segments=2)
    execution = stack.start(spec)
    assert "VerificationFailedError" in stack.failure(execution)
    assert stack.outcome(spec["migrationId"])["verify"]["extra"] == 1

    stack.dynamodb.delete_item(TableName=destination, Key=EXTRA)
    stack.proxy.calls.clear()
    stack.redrive(execution)

    verify = stack.output(execution)["verify"]
    assert (verify["match"], verify["extra"], verify["destinationItems"]) == (True, 0, 200)
    assert not reading_scans(stack, source)
    assert not reading_scans(stack, destination)


def test_repair_mends_and_both_tables_are_read_again(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(200))
    stack.load(destination, [*rows(200)[:7], *rows(200)[8:-1], CHANGED, EXTRA])
    spec = stack.spec(
        source, destination, mode="verify", verify="content", repair=True, deleteExtras=True
    )
    execution = stack.start(spec)
    outcome = stack.output(execution)
    assert (outcome["verify"]["match"], outcome["verify"]["destinationItems"]) == (True, 200)
    assert outcome["undo"]["arn"]
    assert stack.items(source) == stack.items(destination)
    entered = stack.entered(execution)
    assert entered.count("ReadBothTables") == 2
    assert entered.index("BackUpDestination") < entered.index("RepairDestination")


def test_only_what_was_there_before_the_copy_is_kept(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(100))
    stack.load(destination, [CHANGED, EXTRA])
    spec = stack.spec(source, destination, verify="content", onExisting="keep", segments=2)
    execution = stack.start(spec)
    output = stack.output(execution)
    assert (output["verify"]["match"], output["verify"]["kept"]) == (True, 2)
    assert (output["copy"]["skipped"], output["copy"]["written"]) == (1, 99)

    stack.dynamodb.put_item(TableName=destination, Item={**CHANGED, "id": {"S": "item-00008"}})
    again = stack.start({**spec, "mode": "verify"})
    assert "VerificationFailedError" in stack.failure(again)
    verify = stack.outcome(f"{spec['migrationId']}.verify")["verify"]
    assert (verify["kept"], verify["different"], verify["missing"]) == (2, 1, 0)


def test_keys_that_tell_no_source_key_are_searched_for(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table(key="key")
    stack.load(source, rows(100))
    steps = [{"set": {"attribute": "key", "value": "{% $sha256(id) %}"}}, {"remove": ["id"]}]
    stack.load(destination, [{"key": {"S": "nobody"}}])
    spec = stack.spec(source, destination, verify="content", transform=steps, undo="none")
    execution = stack.start(spec)
    assert "VerificationFailedError" in stack.failure(execution)
    assert stack.entered(execution).count("SearchSource") == 1
    verify = stack.outcome(spec["migrationId"])["verify"]
    assert (verify["extra"], verify["missing"], verify["sourceItems"]) == (1, 0, 100)
