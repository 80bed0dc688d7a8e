"""Gap: an export to S3 writes what AWS writes.

Stock: an export completes without writing an object, and needs no point-in-time recovery. Here
only the present can be exported, in full and as DynamoDB JSON; what else is asked for is refused.
Source: Amazon DynamoDB developer guide, "DynamoDB table export output format"; API reference,
ExportTableToPointInTime.
"""

import base64
import gzip
import hashlib
import json
import time
from datetime import UTC, datetime
from typing import Any

from ministack.core.concurrency import spawn_background
from ministack.core.responses import error_response_json, json_response
from ministack.services import dynamodb, s3

from tableferry.local.launcher import patching

# One file a partition on AWS; a reader must cope with several, and with an empty one.
DATA_FILES = 4
# An ExportTime this long ago still means the present: the time that the request took.
PRESENT_SECONDS = 5.0

Description = dict[str, Any]
Response = Any


class S3WriteError(Exception):
    """S3 refused an object of the export; the text is its answer."""


def close() -> None:
    stock = dynamodb._export_table_to_point_in_time

    def export_table(data: dict[str, Any]) -> Response:
        refused = _refusal(data)
        if refused is not None:
            return refused
        known = set(dynamodb._exports.keys())
        response = stock(data)
        for arn in set(dynamodb._exports.keys()) - known:
            description = dynamodb._exports[arn]
            description.setdefault("ExportTime", description["StartTime"])
            description["ExportManifest"] = f"{_folder(description)}/manifest-summary.json"
            response = json_response({"ExportDescription": description})
            start(description)
        return response

    patching.replace(
        dynamodb, "_export_table_to_point_in_time", export_table, digest="7de9a0bcce54"
    )
    patching.replace(dynamodb, "_describe_export", describe_export, digest="28915d45df50")


def _refusal(data: dict[str, Any]) -> Response | None:
    name = dynamodb._table_name_from_arn(data.get("TableArn") or "")
    if name in dynamodb._tables and not dynamodb._pitr_settings.get(name, False):
        return error_response_json(
            "PointInTimeRecoveryUnavailableException",
            f"Point in time recovery is not enabled for table '{name}'",
            400,
        )
    if data.get("ExportFormat", "DYNAMODB_JSON") != "DYNAMODB_JSON":
        return _not_here("another format than DYNAMODB_JSON")
    if data.get("ExportType", "FULL_EXPORT") != "FULL_EXPORT":
        return _not_here("an incremental export")
    moment = data.get("ExportTime")
    if moment is not None and float(moment) < time.time() - PRESENT_SECONDS:
        return _not_here("an export of the past")
    return None


def _not_here(what: str) -> Response:
    return error_response_json(
        "ValidationException", f"the embedded engine has not got {what}", 400
    )


def start(description: Description) -> None:
    """Take the items as they are now, and write them and the manifests in the background."""
    name = dynamodb._table_name_from_arn(description["TableArn"])
    partitions: list[list[str]] = [[] for _ in range(DATA_FILES)]
    for items in dynamodb._tables[name]["items"].values():
        for item in items.values():
            line = json.dumps({"Item": item}, ensure_ascii=False, separators=(",", ":"))
            partitions[hash(line) % DATA_FILES].append(line)
    spawn_background(_finish, description, partitions, thread_name="dynamodb-export")


def describe_export(data: dict[str, Any]) -> Response:
    """Stands in for MiniStack's, which ends an export when it is asked about it."""
    arn = data.get("ExportArn")
    description = dynamodb._exports.get(arn)
    if description is None:
        return error_response_json("ExportNotFoundException", f"Export not found: {arn}", 400)
    return json_response({"ExportDescription": description})


def _finish(description: Description, partitions: list[list[str]]) -> None:
    try:
        _write(description, partitions)
    except S3WriteError as error:
        description.update(
            ExportStatus="FAILED",
            EndTime=time.time(),
            FailureCode="S3NoSuchBucket" if "NoSuchBucket" in str(error) else "S3AccessDenied",
            FailureMessage=str(error),
        )
    else:
        description.update(ExportStatus="COMPLETED", EndTime=time.time())


def _write(description: Description, partitions: list[list[str]]) -> None:
    folder, bucket = _folder(description), description["S3Bucket"]
    _put(bucket, f"{folder}/_started", b"")
    files = []
    for number, lines in enumerate(partitions):
        body = gzip.compress("".join(f"{line}\n" for line in lines).encode())
        token = hashlib.sha256(f"{description['ExportArn']}/{number}".encode()).hexdigest()[:26]
        key = f"{folder}/data/{token}.json.gz"
        etag = _put(bucket, key, body)
        checksum = base64.b64encode(hashlib.md5(body).digest()).decode()
        files.append(
            {
                "itemCount": len(lines),
                "md5Checksum": checksum,
                "etag": etag,
                "dataFileS3Key": key,
            }
        )
    description["ItemCount"] = sum(len(lines) for lines in partitions)
    description["BilledSizeBytes"] = sum(len(line) for lines in partitions for line in lines)
    _put_with_checksum(bucket, folder, "manifest-files", "\n".join(map(json.dumps, files)))
    _put_with_checksum(bucket, folder, "manifest-summary", json.dumps(_summary(description)))


def _summary(description: Description) -> dict[str, Any]:
    return {
        "version": "2020-06-30",
        "exportArn": description["ExportArn"],
        "startTime": _iso(description["StartTime"]),
        "endTime": _iso(time.time()),
        "tableArn": description["TableArn"],
        "tableId": description["TableId"],
        "exportTime": _iso(description["ExportTime"]),
        "s3Bucket": description["S3Bucket"],
        "s3Prefix": description.get("S3Prefix"),
        "s3SseAlgorithm": description.get("S3SseAlgorithm", "AES256"),
        "s3SseKmsKeyId": description.get("S3SseKmsKeyId"),
        "manifestFilesS3Key": f"{_folder(description)}/manifest-files.json",
        "billedSizeBytes": description["BilledSizeBytes"],
        "itemCount": description["ItemCount"],
        "outputFormat": "DYNAMODB_JSON",
        "exportType": "FULL_EXPORT",
    }


def _folder(description: Description) -> str:
    prefix = str(description.get("S3Prefix") or "").strip("/")
    folder = f"AWSDynamoDB/{description['ExportArn'].split('/')[-1]}"
    return f"{prefix}/{folder}" if prefix else folder


def _put_with_checksum(bucket: str, folder: str, name: str, text: str) -> None:
    body = text.encode()
    checksum = base64.b64encode(hashlib.md5(body).digest())
    _put(bucket, f"{folder}/{name}.json", body)
    _put(bucket, f"{folder}/{name}.md5", checksum)


def _put(bucket: str, key: str, body: bytes) -> str:
    """Write the object and return its entity tag, without quotes."""
    status, headers, answer = s3._put_object(bucket, key, body, {})
    if status != 200:
        raise S3WriteError(answer.decode() if isinstance(answer, bytes) else str(answer))
    return str(headers.get("ETag", "")).strip('"')


def _iso(moment: float) -> str:
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
