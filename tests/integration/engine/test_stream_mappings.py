"""DynamoDB stream mappings retry, split and give up as on AWS, each by itself."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.engine.lab import Lab, lines

gap = pytest.mark.gap("stream-mappings")

# Notes the ids of each batch. "bad" ones fail until the file is there: by name, or by raising.
FOLLOWS = """
import json, os
LOG, MENDED, HOW = os.environ["LOG"], os.environ["MENDED"], os.environ["HOW"]
def handler(event, context):
    changes = [record["dynamodb"] for record in event["Records"]]
    ids = {change["SequenceNumber"]: change["Keys"]["id"]["S"] for change in changes}
    failed = [] if os.path.exists(MENDED) else [n for n, i in ids.items() if i.startswith("bad")]
    with open(LOG, "a") as log: log.write(json.dumps(list(ids.values())) + "\\n")
    if failed and HOW == "raise": raise ValueError(failed)
    return {"batchItemFailures": [{"itemIdentifier": number} for number in reversed(failed)]}
"""
REPORTING = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}


def followed_table(lab: Lab, log: Path, how: str, **settings: Any) -> str:
    """A table whose stream FOLLOWS gets, and which has records before the mapping is made."""
    spec = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    table = lab.table(StreamSpecification=spec)
    variables = {"LOG": str(log), "MENDED": str(log.with_name("mended")), "HOW": how}
    function = lab.function(FOLLOWS, Environment={"Variables": variables})
    for item in ("a", "bad", "c", "d"):
        put(lab, table, item)
    lab.functions.create_event_source_mapping(
        FunctionName=function,
        EventSourceArn=lab.dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"],
        StartingPosition="TRIM_HORIZON",
        **({"BatchSize": 4} | settings),
    )
    return table


def put(lab: Lab, table: str, item: str) -> None:
    lab.dynamodb.put_item(TableName=table, Item={"id": {"S": item}})


def batches(log: Path) -> list[list[str]]:
    return [json.loads(line) for line in lines(log)]


@gap
def test_partly_failed_batch_is_tried_again_from_the_first_failure(lab: Lab, log: Path) -> None:
    table = followed_table(lab, log, "report", **REPORTING)
    lab.until(lambda: ["bad", "c", "d"] in batches(log))
    log.with_name("mended").touch()
    put(lab, table, "e")
    lab.until(lambda: ["e"] in batches(log))
    first, *others, last = batches(log)
    assert (first, last) == (["a", "bad", "c", "d"], ["e"])
    assert {tuple(batch) for batch in others} == {("bad", "c", "d")}


@gap
def test_failing_batch_is_tried_for_ever_when_nothing_else_is_said(lab: Lab, log: Path) -> None:
    table = followed_table(lab, log, "raise", MaximumRetryAttempts=-1)
    put(lab, table, "e")
    lab.until(lambda: len(batches(log)) > 3)
    assert {tuple(batch) for batch in batches(log)} == {("a", "bad", "c", "d")}
    log.with_name("mended").touch()
    lab.until(lambda: batches(log)[-1] == ["e"])


@gap
def test_maximum_retry_attempts_give_the_batch_up(lab: Lab, log: Path) -> None:
    table = followed_table(lab, log, "raise", MaximumRetryAttempts=1)
    put(lab, table, "e")
    lab.until(lambda: ["e"] in batches(log))
    assert batches(log) == [["a", "bad", "c", "d"]] * 2 + [["e"]]


@gap
def test_records_given_up_are_told_to_the_destination(lab: Lab, log: Path) -> None:
    queues = lab.client("sqs")
    queue = queues.create_queue(QueueName=log.parent.name)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    destination = {"OnFailure": {"Destination": arn["Attributes"]["QueueArn"]}}
    followed_table(
        lab, log, "report", MaximumRetryAttempts=0, DestinationConfig=destination, **REPORTING
    )
    [message] = lab.until(lambda: queues.receive_message(QueueUrl=queue).get("Messages"))
    record = json.loads(message["Body"])
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    # "a" was done with; the rest of the batch goes with what failed.
    assert record["DDBStreamBatchInfo"]["batchSize"] == 3


@gap
def test_bisecting_isolates_the_record_that_fails(lab: Lab, log: Path) -> None:
    table = followed_table(
        lab, log, "raise", BisectBatchOnFunctionError=True, MaximumRetryAttempts=0
    )
    put(lab, table, "e")
    lab.until(lambda: batches(log) and batches(log)[-1][-1] == "e")
    whole, first_half, first, bad, *rest = batches(log)
    assert (whole, first_half) == (["a", "bad", "c", "d"], ["a", "bad"])
    assert (first, bad) == (["a"], ["bad"])
    assert [item for batch in rest for item in batch] == ["c", "d", "e"]


@gap
@pytest.mark.parametrize(
    "answer",
    ['{"batchItemFailures": [{"itemIdentifier": ""}]}', '{"batchItemFailures": [{}]}', '"no"'],
    ids=["empty", "wrong key", "not an object"],
)
def test_unreadable_answer_fails_the_whole_batch(lab: Lab, log: Path, answer: str) -> None:
    spec = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    table = lab.table(StreamSpecification=spec)
    put(lab, table, "a")
    function = lab.function(
        "import json\n"
        "def handler(event, context):\n"
        f"    with open({str(log)!r}, 'a') as log: log.write('batch\\n')\n"
        f"    return json.loads({answer!r})\n"
    )
    lab.functions.create_event_source_mapping(
        FunctionName=function,
        EventSourceArn=lab.dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"],
        StartingPosition="TRIM_HORIZON",
        **REPORTING,
    )
    lab.until(lambda: len(lines(log)) > 1)


@gap
def test_slow_mapping_does_not_hold_up_another(lab: Lab, log: Path) -> None:
    slow_log, gate = log.with_name("slow"), log.with_name("gate")
    spec = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    slow = lab.table(StreamSpecification=spec)
    put(lab, slow, "a")
    function = lab.function(
        "import os, time\n"
        "def handler(event, context):\n"
        f"    open({str(slow_log)!r}, 'w').write('began\\n')\n"
        "    deadline = time.monotonic() + 5\n"
        f"    while not os.path.exists({str(gate)!r}) and time.monotonic() < deadline:\n"
        "        time.sleep(0.01)\n"
    )
    lab.functions.create_event_source_mapping(
        FunctionName=function,
        EventSourceArn=lab.dynamodb.describe_table(TableName=slow)["Table"]["LatestStreamArn"],
        StartingPosition="TRIM_HORIZON",
    )
    lab.until(lambda: lines(slow_log))
    log.with_name("mended").touch()
    followed_table(lab, log, "report", **REPORTING)
    lab.until(lambda: batches(log) == [["a", "bad", "c", "d"]])
    gate.touch()
