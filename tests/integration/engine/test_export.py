"""An export to S3 writes the files that AWS writes, or fails as AWS does."""

import base64
import gzip
import hashlib
import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.engine.lab import Lab

gap = pytest.mark.gap("export")

ITEMS = [
    {"id": {"S": f"item {number}"}, "n": {"N": str(number)}, "b": {"B": b"\x00\xff"}}
    for number in range(30)
]


def recoverable_table(lab: Lab) -> str:
    table = lab.table()
    lab.dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    return table


def export(lab: Lab, table: str, bucket: str, **settings: Any) -> dict[str, Any]:
    """The description of the export, once it has ended."""
    arn = lab.dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    answer = lab.dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket=bucket, **settings)
    started = answer["ExportDescription"]
    assert started["ExportStatus"] == "IN_PROGRESS"

    def ended() -> dict[str, Any] | None:
        answer = lab.dynamodb.describe_export(ExportArn=started["ExportArn"])
        found: dict[str, Any] = answer["ExportDescription"]
        return None if found["ExportStatus"] == "IN_PROGRESS" else found

    return lab.until(ended)


def refusal(lab: Lab, table: str, **settings: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        export(lab, table, lab.bucket(), **settings)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@gap
def test_export_writes_every_item_and_its_manifests(lab: Lab) -> None:
    table, bucket = recoverable_table(lab), lab.bucket()
    for item in ITEMS:
        lab.dynamodb.put_item(TableName=table, Item=item)
    description = export(lab, table, bucket, S3Prefix="snapshots/one")
    assert (description["ExportStatus"], description["ItemCount"]) == ("COMPLETED", len(ITEMS))
    assert description["ExportManifest"].startswith("snapshots/one/AWSDynamoDB/")
    keys = {entry["Key"] for entry in lab.s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert description["ExportManifest"] in keys
    summary = json.loads(lab.text(bucket, description["ExportManifest"]))
    assert summary["exportArn"] == description["ExportArn"]
    assert (summary["itemCount"], summary["outputFormat"]) == (len(ITEMS), "DYNAMODB_JSON")
    manifest = lab.text(bucket, summary["manifestFilesS3Key"])
    files = [json.loads(line) for line in manifest.splitlines()]
    exported = []
    for file in files:
        stored = lab.s3.get_object(Bucket=bucket, Key=file["dataFileS3Key"])
        body = stored["Body"].read()
        assert base64.b64encode(hashlib.md5(body).digest()).decode() == file["md5Checksum"]
        assert stored["ETag"].strip('"') == file["etag"]
        found = [json.loads(line)["Item"] for line in gzip.decompress(body).splitlines()]
        assert len(found) == file["itemCount"]
        exported += found
    in_dynamodb_json = [{**item, "b": {"B": "AP8="}} for item in ITEMS]
    assert sorted(exported, key=json.dumps) == sorted(in_dynamodb_json, key=json.dumps)


@gap
def test_export_of_an_empty_table_has_empty_files(lab: Lab) -> None:
    bucket = lab.bucket()
    description = export(lab, recoverable_table(lab), bucket)
    summary = json.loads(lab.text(bucket, description["ExportManifest"]))
    assert summary["itemCount"] == 0


@gap
def test_export_needs_point_in_time_recovery(lab: Lab) -> None:
    code, _message = refusal(lab, lab.table())
    assert code == "PointInTimeRecoveryUnavailableException"


@gap
def test_export_without_its_bucket_fails(lab: Lab) -> None:
    description = export(lab, recoverable_table(lab), "no-such-bucket")
    assert description["ExportStatus"] == "FAILED"
    assert description["FailureCode"] == "S3NoSuchBucket"


@gap
@pytest.mark.parametrize(
    "settings",
    [
        {"ExportFormat": "ION"},
        {"ExportType": "INCREMENTAL_EXPORT"},
        {"ExportTime": time.time() - 3600},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_what_the_engine_has_not_got_is_refused(lab: Lab, settings: dict[str, Any]) -> None:
    code, message = refusal(lab, recoverable_table(lab), **settings)
    assert code == "ValidationException"
    assert "the embedded engine has not got" in message
