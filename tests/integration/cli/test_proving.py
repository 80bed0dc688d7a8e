"""Counting, comparing, mending and reporting, against the real stack."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.cli.conftest import Aws, CommandLine, rows

CHANGED = {"id": {"S": "item-00007"}, "n": {"S": "7"}}
EXTRA = {"id": {"S": "<script>extra</script>"}}
STEPS = [{"rename": {"from": "n", "to": "number"}}]


def objects(aws: Aws, prefix: str) -> dict[str, tuple[str, str]]:
    """Text and content type of what lies in the artifacts bucket under the prefix."""
    stacks = aws.client("cloudformation").describe_stacks(StackName="tableferry")["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stacks[0]["Outputs"]}
    client, bucket = aws.client("s3"), outputs["ArtifactsBucketName"]
    listed = client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    answers = {each["Key"]: client.get_object(Bucket=bucket, Key=each["Key"]) for each in listed}
    return {
        key: (answer["Body"].read().decode(), answer["ContentType"])
        for key, answer in answers.items()
    }


def page_of(aws: Aws, name: str) -> str:
    """The report of that name; empty while it is not there."""
    return objects(aws, f"outcomes/{name}.html").get(f"outcomes/{name}.html", ("", ""))[0]


def until(holds: Callable[[], bool], seconds: float = 120) -> None:
    """Polls until it holds; S3 has no event to wait for."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture
def moved(tableferry: CommandLine, aws: Aws, tmp_path: Path) -> dict[str, Any]:
    """The spec of a migration that succeeded."""
    name = f"t{uuid4().hex[:10]}"
    aws.table(name, rows(300))
    aws.table(f"{name}-new", [])
    spec = {
        "migrationId": f"m-{uuid4().hex[:10]}",
        "source": {"tableName": name},
        "destination": {"tableName": f"{name}-new"},
        "transform": STEPS,
        "snapshot": "none",
        "segments": 2,
        "limits": {"maxConcurrency": 4},
    }
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec))
    ended = tableferry("start", str(path), "--wait", "--json")
    assert ended.status == 0, ended.stderr
    return spec


def damage(aws: Aws, table: str) -> None:
    """One item missing, one different, one too many."""
    client = aws.client("dynamodb")
    client.delete_item(TableName=table, Key={"id": {"S": "item-00003"}})
    client.put_item(TableName=table, Item=CHANGED)
    client.put_item(TableName=table, Item=EXTRA)


def test_what_differs_is_named_planned_and_mended(
    tableferry: CommandLine, aws: Aws, moved: dict[str, Any]
) -> None:
    migration_id, destination = moved["migrationId"], moved["destination"]["tableName"]
    damage(aws, destination)
    before = aws.items(destination)

    found = tableferry("verify", migration_id, "--json")
    assert found.status == 1, found.stderr
    verify = found.document["verify"]
    assert (verify["missing"], verify["different"], verify["extra"]) == (1, 1, 1)

    # Told by an event, after the execution has ended.
    until(lambda: "FAILED" in page_of(aws, f"{migration_id}.verify"))
    page = page_of(aws, f"{migration_id}.verify")
    assert "VerificationFailedError" in page
    assert "&lt;script&gt;extra&lt;/script&gt;" in page
    assert "<script>" not in page

    plan = tableferry("verify", migration_id, "--repair", "--delete-extras", "--plan", "--json")
    assert plan.status == 0, plan.stderr
    assert plan.document["actions"] == {"put": 1, "change": 1, "delete": 1, "leave": 0}
    assert aws.items(destination) == before, "a plan writes nothing"

    mended = tableferry("verify", migration_id, "--repair", "--delete-extras", "--json")
    assert mended.status == 0, mended.stderr
    assert mended.document["verify"]["match"]
    assert "2 items written, 1 deleted, 0 left as they are" in mended.stderr
    now = aws.items(destination)
    assert len(now) == 300
    assert now["item-00007"] == {"id": {"S": "item-00007"}, "number": {"N": "7"}}

    pages = objects(aws, f"outcomes/{migration_id}.verify.html")
    ((page, kind),) = pages.values()
    assert kind == "text/html; charset=utf-8"
    assert "RepairDestination" in page
    assert "The tables match" in page


def test_two_tables_that_nobody_moved_are_compared(
    tableferry: CommandLine, aws: Aws, moved: dict[str, Any], tmp_path: Path
) -> None:
    tables = ["--source", moved["source"]["tableName"]]
    tables += ["--destination", moved["destination"]["tableName"]]
    steps = tmp_path / "steps.json"
    steps.write_text(json.dumps(STEPS))
    same = tableferry("verify", *tables, "--transform", str(steps), "--json")
    assert (same.status, same.document["verify"]["match"]) == (0, True)
    other = tableferry("verify", *tables, "--json")
    assert (other.status, other.document["verify"]["different"]) == (1, 300)


def test_every_run_leaves_a_page_and_report_writes_it_here(
    tableferry: CommandLine, aws: Aws, moved: dict[str, Any]
) -> None:
    migration_id = moved["migrationId"]
    left = objects(aws, f"outcomes/{migration_id}.")
    assert set(left) == {f"outcomes/{migration_id}.html", f"outcomes/{migration_id}.json"}
    page, kind = left[f"outcomes/{migration_id}.html"]
    assert kind == "text/html; charset=utf-8"
    for words in ("CopySourceToDestination", "RecordOutcome", "300", "SUCCEEDED", "2 of 2"):
        assert words in page
    assert "Not shown" not in page

    said = tableferry("report", migration_id)
    assert said.status == 0, said.stderr
    assert f"outcomes/{migration_id}.html" in said.stderr
    here = tableferry.directory / f"{migration_id}.html"
    assert "CopySourceToDestination" in here.read_text()
    written = json.loads((tableferry.directory / f"{migration_id}.json").read_text())
    assert tableferry("report", migration_id, "--json").document == written
    assert f"outcomes/{migration_id}.html" in tableferry("status", migration_id).stdout


def test_a_table_is_counted_without_the_stack(
    tableferry: CommandLine, moved: dict[str, Any]
) -> None:
    source = moved["source"]["tableName"]
    words = ["count", source, "--filter", "{% n < 100 %}", "--json"]
    found = tableferry(*words, TABLEFERRY_STACK="nothing")
    assert found.status == 0, found.stderr
    assert (found.document["items"], found.document["scannedItems"]) == (100, 300)
    failing = tableferry("count", source, "--filter", "{% $sqrt(id) < 9 %}")
    assert (failing.status, "fails on 100 or more" in failing.stderr) == (1, True)
    assert tableferry("count", "no-such-table").status == 2
