"""Everything that a careful operator asks for at once: approval, a table made alike, an export."""

import gzip
import json
from typing import Any

from tests.e2e.call_log import writes
from tests.e2e.command_line import CommandLine
from tests.e2e.stack import Stack, rows
from tests.support.independent_compare import assert_moved

SHAPE: dict[str, Any] = {
    "KeySchema": [
        {"AttributeName": "id", "KeyType": "HASH"},
        {"AttributeName": "n", "KeyType": "RANGE"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "S"},
        {"AttributeName": "n", "AttributeType": "N"},
        {"AttributeName": "city", "AttributeType": "S"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-city",
            "KeySchema": [{"AttributeName": "city", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "Tags": [{"Key": "team", "Value": "orders"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def test_a_move_waits_for_approval_makes_its_table_and_exports_the_source(
    stack: Stack, tableferry: CommandLine
) -> None:
    client = stack.dynamodb
    source, destination = stack.new_name(), stack.new_name()
    client.create_table(TableName=source, **SHAPE)
    client.update_time_to_live(
        TableName=source, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expiresAt"}
    )
    stack.load(source, rows(70, city={"S": "Ghent"}))
    spec = stack.spec(source, destination, snapshot="export", approval=True, segments=2)
    spec["destination"]["create"] = "likeSource"
    run = spec["migrationId"]

    started = tableferry("start", tableferry.spec_file(spec), "--json")
    assert started.exit_status == 0, started.output + started.errors
    execution = started.document["executionArn"]
    stack.until(lambda: "RequestApproval" in stack.entered(execution))
    stack.until(lambda: "approve" in (tableferry("status", run, "--json").document["reason"] or ""))
    assert destination not in client.list_tables()["TableNames"]
    approved = tableferry("approve", run, "--json")
    assert approved.exit_status == 0, approved.output + approved.errors
    assert approved.document["executionArn"] == execution

    output = stack.output(execution)
    assert_moved(client, source, destination)
    _require_alike(client, source, destination)
    snapshot = output["snapshot"]
    assert snapshot["type"] == "export"
    assert _exported(stack, run) == sorted(item["id"]["S"] for item in rows(70))
    export = client.describe_export(ExportArn=snapshot["arn"])["ExportDescription"]
    assert export["ExportStatus"] == "COMPLETED"
    recovery = client.describe_continuous_backups(TableName=source)["ContinuousBackupsDescription"]
    status = recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    assert status == "DISABLED"  # turned on for the export, and put back
    again = tableferry("approve", run, "--json")
    assert (again.exit_status, again.error["name"]) == (2, "InvalidSpecError")
    assert not writes(stack, source)


def _require_alike(client: Any, source: str, destination: str) -> None:
    before, after = (
        client.describe_table(TableName=name)["Table"] for name in (source, destination)
    )
    for name in ("KeySchema", "BillingModeSummary"):
        assert after[name] == before[name]
    kinds = [
        sorted(each["AttributeDefinitions"], key=lambda each: each["AttributeName"])
        for each in (before, after)
    ]
    assert kinds[0] == kinds[1]
    (index,) = after["GlobalSecondaryIndexes"]
    assert (index["IndexName"], index["Projection"]) == ("by-city", {"ProjectionType": "ALL"})
    tags = client.list_tags_of_resource(ResourceArn=after["TableArn"])["Tags"]
    assert {"Key": "team", "Value": "orders"} in tags
    ttl = client.describe_time_to_live(TableName=destination)["TimeToLiveDescription"]
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "expiresAt")


def _exported(stack: Stack, run: str) -> list[str]:
    """The ids of the exported items: by the manifest, from the data files that it names."""
    found = stack.objects(f"snapshots/{run}/")
    (summary,) = (key for key in found if key.endswith("manifest-summary.json"))
    (manifest,) = (key for key in found if key.endswith("manifest-files.json"))
    assert json.loads(stack.read(summary))["itemCount"] == 70
    lines = [
        line
        for entry in stack.read(manifest).decode().splitlines()
        for line in gzip.decompress(stack.read(json.loads(entry)["dataFileS3Key"])).splitlines()
    ]
    return sorted(json.loads(line)["Item"]["id"]["S"] for line in lines)
