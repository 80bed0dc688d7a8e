"""A distributed Map limits, fails, stops, redrives and writes its results as on AWS."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.engine.lab import Lab, distributed_map, lines, machine_of, task

gap = pytest.mark.gap("distributed-map")

# Notes the item at its begin and end. An item may name a file to wait for, or to fail without.
WORKS = """
import json, os, time
class NotYetError(Exception): pass
def note(event, what):
    with open(event["common"]["log"], "a") as log:
        log.write(json.dumps([what, event["item"]["name"]]) + "\\n")
def handler(event, context):
    item = event["item"]
    note(event, "began")
    if "needs" in item and not os.path.exists(item["needs"]): raise NotYetError(item["needs"])
    deadline = time.monotonic() + item.get("seconds", 10)
    while not os.path.exists(item.get("gate", "/")) and time.monotonic() < deadline:
        time.sleep(0.01)
    note(event, "ended")
    return item["name"]
"""


def each(lab: Lab, **fields: Any) -> dict[str, Any]:
    """A machine that runs WORKS for each of its items."""
    processor = machine_of(Work=task(lab.function(WORKS)))
    return machine_of(Map=distributed_map(processor, **fields))


def inputs(log: Path, *items: dict[str, Any]) -> dict[str, Any]:
    return {"items": list(items), "common": {"log": str(log)}}


def names(log: Path, what: str) -> list[str]:
    return sorted(name for kind, name in map(json.loads, lines(log)) if kind == what)


def most_at_once(log: Path) -> int:
    running = most = 0
    for kind, _name in map(json.loads, lines(log)):
        running += 1 if kind == "began" else -1
        most = max(most, running)
    return most


def test_skeleton_runs_and_returns_the_outputs_in_order(lab: Lab, log: Path) -> None:
    ended = lab.run(each(lab), inputs(log, {"name": "a"}, {"name": "b"}, {"name": "c"}))
    assert (ended.status, ended.output["results"]) == ("SUCCEEDED", ["a", "b", "c"])
    counts = lab.map_run(ended.arn)["itemCounts"]
    assert (counts["total"], counts["succeeded"], counts["pending"]) == (3, 3, 0)


def test_no_items_succeed(lab: Lab, log: Path) -> None:
    assert lab.run(each(lab), inputs(log)).output["results"] == []


@gap
def test_max_concurrency_path_limits_the_children(lab: Lab, log: Path) -> None:
    machine = each(lab, MaxConcurrencyPath="$.limit")
    items = [{"name": str(number), "gate": "/never", "seconds": 0.05} for number in range(8)]
    ended = lab.run(machine, {**inputs(log, *items), "limit": 2})
    assert ended.status == "SUCCEEDED"
    assert most_at_once(log) == 2
    assert lab.map_run(ended.arn)["maxConcurrency"] == 2


@gap
def test_max_concurrency_path_that_leads_nowhere_fails(lab: Lab, log: Path) -> None:
    ended = lab.run(each(lab, MaxConcurrencyPath="$.nowhere"), inputs(log, {"name": "a"}))
    assert (ended.status, ended.error) == ("FAILED", "States.Runtime")


@gap
def test_child_sees_itself_as_the_execution(lab: Lab, log: Path) -> None:
    shows = {
        "Type": "Pass",
        "QueryLanguage": "JSONata",
        "Output": {"mine": "{% $states.context.Execution.Id %}", "owner": "{% $states.input %}"},
        "End": True,
    }
    state = distributed_map(machine_of(Show=shows), ItemSelector={"id.$": "$$.Execution.Id"})
    ended = lab.run(machine_of(Map=state), inputs(log, {"name": "a"}))
    [result] = ended.output["results"]
    [child] = lab.children(ended.arn)
    assert result == {"mine": child["executionArn"], "owner": {"id": ended.arn}}


@gap
def test_child_does_not_see_the_parents_variables(lab: Lab, log: Path) -> None:
    remember = {
        "Type": "Pass",
        "QueryLanguage": "JSONata",
        "Assign": {"secret": "known"},
        "Next": "Map",
    }
    shows = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $secret %}", "End": True}
    state = distributed_map(machine_of(Show=shows))
    ended = lab.run(machine_of(Remember=remember, Map=state), inputs(log, {"name": "a"}))
    assert ended.status == "FAILED"
    [child] = lab.children(ended.arn)
    assert child["error"] == "States.QueryEvaluationError"


@gap
def test_failed_child_aborts_its_siblings(lab: Lab, log: Path) -> None:
    gate = log.with_name("gate")
    items = [{"name": "waits", "gate": str(gate)}, {"name": "fails", "needs": "/never"}]
    ended = lab.run(each(lab), inputs(log, *items))
    gate.touch()
    assert (ended.status, ended.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    children = {
        json.loads(child["input"])["item"]["name"]: child for child in lab.children(ended.arn)
    }
    assert children["waits"]["status"] == "ABORTED"
    assert (children["fails"]["status"], children["fails"]["error"]) == ("FAILED", "NotYetError")
    counts = lab.map_run(ended.arn)["itemCounts"]
    assert (counts["failed"], counts["aborted"], counts["running"]) == (1, 1, 0)


@gap
def test_redrive_runs_only_the_children_that_did_not_succeed(lab: Lab, log: Path) -> None:
    mended = log.with_name("mended")
    # One at a time, so that what succeeds has succeeded before something fails.
    machine = each(lab, MaxConcurrency=1)
    items = [{"name": "a"}, {"name": "b", "needs": str(mended)}, {"name": "c"}]
    failed = lab.run(machine, inputs(log, *items))
    before = {child["executionArn"]: child["status"] for child in lab.children(failed.arn)}
    assert sorted(before.values()) == ["FAILED", "SUCCEEDED"]
    mended.touch()
    lab.states.redrive_execution(executionArn=failed.arn)
    ended = lab.ended(failed.arn)
    assert (ended.status, ended.output["results"]) == ("SUCCEEDED", ["a", "b", "c"])
    assert names(log, "began") == ["a", "b", "b", "c"]
    after = {child["executionArn"]: child["redriveCount"] for child in lab.children(ended.arn)}
    assert set(before) < set(after)
    assert sorted(after.values()) == [0, 0, 1]
    assert len(lab.states.list_map_runs(executionArn=ended.arn)["mapRuns"]) == 1
    assert lab.map_run(ended.arn)["redriveCount"] == 1
    assert "MapRunRedriven" in lab.history(ended.arn)


@gap
def test_child_is_redriven_from_its_failed_state(lab: Lab, log: Path) -> None:
    mended = log.with_name("mended")
    function = lab.function(WORKS)
    keep = "{% $states.input %}"
    processor = machine_of(
        Before=task(function, Output=keep, Next="Need"),
        Need={
            "Type": "Pass",
            "QueryLanguage": "JSONata",
            "Output": {
                "common": "{% $states.input.common %}",
                "item": "{% $states.input.item.then %}",
            },
            "Next": "After",
        },
        After=task(function),
    )
    item = {"name": "before", "then": {"name": "after", "needs": str(mended)}}
    failed = lab.run(machine_of(Map=distributed_map(processor)), inputs(log, item))
    mended.touch()
    lab.states.redrive_execution(executionArn=failed.arn)
    assert lab.ended(failed.arn).output["results"] == ["after"]
    assert names(log, "began") == ["after", "after", "before"]


@gap
def test_stop_reaches_the_children_and_a_redrive_has_one_runner_each(lab: Lab, log: Path) -> None:
    gate = log.with_name("gate")
    # One at a time: "a" has ended and "b" waits when the execution is stopped.
    machine = lab.machine(each(lab, MaxConcurrency=1))
    items = [{"name": "a"}, {"name": "b", "gate": str(gate)}, {"name": "c"}]
    arn = lab.start(machine, inputs(log, *items))
    lab.until(lambda: names(log, "began") == ["a", "b"])
    lab.states.stop_execution(executionArn=arn)
    statuses = sorted(child["status"] for child in lab.children(arn))
    assert statuses == ["ABORTED", "SUCCEEDED"]
    assert lab.map_run(arn)["status"] == "ABORTED"
    lab.states.redrive_execution(executionArn=arn)
    lab.until(lambda: names(log, "began") == ["a", "b", "b"])
    gate.touch()
    ended = lab.ended(arn)
    assert (ended.status, ended.output["results"]) == ("SUCCEEDED", ["a", "b", "c"])
    lab.until(lambda: names(log, "ended") == ["a", "b", "b", "c"])
    for child in lab.children(arn):
        history = lab.history(child["executionArn"])
        assert (child["status"], history.count("TaskSucceeded")) == ("SUCCEEDED", 1)


def test_items_are_read_from_s3(lab: Lab, log: Path) -> None:
    bucket = lab.bucket()
    lab.s3.put_object(Bucket=bucket, Key="runs/one/items.json", Body=json.dumps([1, 2, 3]))
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": bucket, "Key.$": "$.key"},
    }
    shows = {
        "Type": "Pass",
        "QueryLanguage": "JSONata",
        "Output": "{% $states.input.item %}",
        "End": True,
    }
    state = distributed_map(machine_of(Show=shows), ItemReader=reader)
    del state["ItemsPath"]
    ended = lab.run(machine_of(Map=state), {"key": "runs/one/items.json", "common": {}})
    assert ended.output["results"] == [1, 2, 3]


def with_writer(lab: Lab, bucket: str) -> dict[str, Any]:
    writer = {
        "Resource": "arn:aws:states:::s3:putObject",
        "Parameters": {"Bucket": bucket, "Prefix.$": "$.prefix"},
    }
    return each(lab, ResultWriter=writer, MaxConcurrency=1)


@gap
def test_result_writer_writes_results_and_manifest(lab: Lab, log: Path) -> None:
    bucket = lab.bucket()
    machine_input = {**inputs(log, {"name": "a"}, {"name": "b"}), "prefix": "results/one"}
    ended = lab.run(with_writer(lab, bucket), machine_input)
    result = ended.output["results"]
    assert isinstance(result, dict)
    assert result["MapRunArn"] == lab.map_run(ended.arn)["mapRunArn"]
    assert result["ResultWriterDetails"]["Bucket"] == bucket
    key = result["ResultWriterDetails"]["Key"]
    assert key.startswith("results/one/")
    manifest = json.loads(lab.text(bucket, key))
    [file] = manifest["ResultFiles"]["SUCCEEDED"]
    results = json.loads(lab.text(bucket, file["Key"]))
    assert [json.loads(each["Output"]) for each in results] == ["a", "b"]
    assert manifest["ResultFiles"]["FAILED"] == []


@gap
def test_result_writer_writes_what_failed(lab: Lab, log: Path) -> None:
    bucket = lab.bucket()
    items = inputs(log, {"name": "a"}, {"name": "b", "needs": "/never"})
    ended = lab.run(with_writer(lab, bucket), {**items, "prefix": "results"})
    assert ended.error == "States.ExceedToleratedFailureThreshold"
    keys = [entry["Key"] for entry in lab.s3.list_objects_v2(Bucket=bucket)["Contents"]]
    [failed] = [key for key in keys if key.endswith("FAILED_0.json")]
    [result] = json.loads(lab.text(bucket, failed))
    assert (result["Status"], result["Error"]) == ("FAILED", "NotYetError")


@gap
def test_result_writer_without_its_bucket_fails(lab: Lab, log: Path) -> None:
    ended = lab.run(
        with_writer(lab, "no-such-bucket"), {**inputs(log, {"name": "a"}), "prefix": "x"}
    )
    assert (ended.status, ended.error) == ("FAILED", "States.ResultWriterFailed")


@gap
@pytest.mark.parametrize("field", ["ItemBatcher", "Items", "Output", "Assign"])
def test_what_the_engine_has_not_got_is_refused(lab: Lab, log: Path, field: str) -> None:
    ended = lab.run(each(lab, **{field: {}}), inputs(log, {"name": "a"}))
    assert (ended.status, ended.error) == ("FAILED", "States.Runtime")
    assert field in ended.description["cause"]
