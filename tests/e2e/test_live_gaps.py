"""A live migration whose capture has a gap, and a batch of sync that wakes up after its time."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tableferry.local.faults import Freeze
from tests.e2e.stack import Stack, rows
from tests.support.independent_compare import assert_moved, differences

ROOT = Path(__file__).parents[2]
# What a Lambda sandbox does with an event; 4 s of time make a lease of less than 3.
SANDBOX = """
import json, sys, types
from functions.sync_changes.app import handler
context = types.SimpleNamespace(
    function_name="sync", memory_limit_in_mb=1024, invoked_function_arn="arn",
    aws_request_id="late-invocation", log_stream_name="", get_remaining_time_in_millis=lambda: 4000)
json.dump(handler(json.load(sys.stdin), context), sys.stdout)
"""


def put(stack: Stack, table: str, first: int, count: int, text: str) -> None:
    stack.load(table, rows(first + count, text={"S": text})[first:])


def texts(stack: Stack, table: str) -> set[str]:
    return {item["text"]["S"] for item in stack.items(table).values()}


def turn_stream(stack: Stack, table: str, **specification: Any) -> None:
    stack.dynamodb.update_table(TableName=table, StreamSpecification=specification)


# --- a gap ---


@contextmanager
def late_invocations_of(stack: Stack, seconds: int) -> Iterator[None]:
    """How long StartSync waits for invocations of sync from before the gap; there are none here."""
    client = stack.client("lambda")
    functions = client.list_functions()["Functions"]
    (found,) = (each for each in functions if "StartSync" in each["FunctionName"])
    name, variables = found["FunctionName"], found["Environment"]["Variables"]
    changed = {**variables, "SYNC_SECONDS": str(seconds)}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": changed})
    yield
    client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def test_a_gap_is_said_and_mended_by_capturing_anew(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    put(stack, source, 0, 60, "before")
    spec = stack.spec(source, destination, strategy="live", segments=1, verify="content")
    stack.output(stack.start(spec))
    turn_stream(stack, source, StreamEnabled=False)
    put(stack, source, 55, 10, "in the gap")
    for number in range(5):
        key = {"id": {"S": f"item-{number:05d}"}}
        stack.dynamodb.delete_item(TableName=source, Key=key)
    turn_stream(stack, source, StreamEnabled=True, StreamViewType="NEW_AND_OLD_IMAGES")
    # Nothing of that arrives by itself, and the migration says so.
    said = stack.failure(stack.start({**spec, "resume": True}))
    assert "StreamGapError" in said and "deleteExtras" in said
    assert len(differences(stack.dynamodb, source, destination)) == 15

    asked = {**spec, "resume": True, "repair": True, "deleteExtras": True}
    with late_invocations_of(stack, seconds=1):
        output = stack.output(stack.start(asked))

    assert output["verify"]["match"] is True
    assert_moved(stack.dynamodb, source, destination)
    # And sync goes on.
    put(stack, source, 70, 1, "later")
    stack.until(lambda: "later" in texts(stack, destination))


# --- a zombie ---


def records_of(stack: Stack, table: str) -> list[dict[str, Any]]:
    """The stream's records as the event source hands them over."""
    arn = stack.dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    streams = stack.client("dynamodbstreams")
    shards = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    found = []
    for shard in shards:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found += streams.get_records(ShardIterator=iterator)["Records"]
    for record in found:
        stream = record["dynamodb"]
        record["eventSourceARN"] = arn
        moment = stream["ApproximateCreationDateTime"].timestamp()
        stream["ApproximateCreationDateTime"] = moment
    return found


@contextmanager
def invocation(stack: Stack, records: list[dict[str, Any]]) -> Iterator["subprocess.Popen[str]"]:
    """An invocation of the sync function that no engine ends, as AWS may forget a sandbox."""
    functions = stack.client("lambda").list_functions()["Functions"]
    (found,) = (each for each in functions if "SyncChanges" in each["FunctionName"])
    environment = {
        **os.environ,
        **found["Environment"]["Variables"],
        "AWS_ENDPOINT_URL": stack.engine.endpoint_url,
        "AWS_ENDPOINT_URL_DYNAMODB": stack.proxy.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", SANDBOX],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps({"Records": records}))
        process.stdin.close()
        process.stdin = None
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_batch_that_wakes_up_after_its_time_changes_nothing(stack: Stack) -> None:
    """Its request was signed too long ago and is refused; it signs no other; the same records were
    delivered again meanwhile, waited for its lease, and newer ones came after them.
    """
    source, destination = stack.create_table(), stack.create_table()
    put(stack, source, 0, 5, "first")
    spec = stack.spec(source, destination, strategy="live", segments=1, verify="none")
    stack.output(stack.start(spec))
    functions = stack.client("lambda")
    arn = stack.dynamodb.describe_table(TableName=source)["Table"]["LatestStreamArn"]
    (mapping,) = (
        each["UUID"]
        for each in functions.list_event_source_mappings()["EventSourceMappings"]
        if each["EventSourceArn"] == arn
    )
    functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    put(stack, source, 0, 5, "older")
    in_flight = stack.proxy.add(Freeze(), operations="BatchWriteItem", tables=destination, first=1)
    with invocation(stack, records_of(stack, source)[-5:]) as zombie:
        stack.until(lambda: bool(stack.proxy.struck(in_flight)))
        os.kill(zombie.pid, signal.SIGSTOP)
        functions.update_event_source_mapping(UUID=mapping, Enabled=True)
        stack.until(lambda: texts(stack, destination) == {"older"})
        put(stack, source, 0, 5, "newer")
        stack.until(lambda: texts(stack, destination) == {"newer"})
        os.kill(zombie.pid, signal.SIGCONT)
        stack.proxy.remove(in_flight)
        assert zombie.wait(60) is not None

    assert texts(stack, destination) == {"newer"}
    (late,) = stack.proxy.calls.select(where=lambda call: in_flight in call.rules)
    assert (late.forwarded, late.status) == (False, 400)
    assert not stack.ledger("late-invocation")
