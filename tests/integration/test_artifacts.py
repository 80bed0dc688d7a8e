"""The artifacts bucket against moto's S3."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws

from tableferry.aws.artifacts import Artifacts
from tableferry.errors import NotFoundError, PermissionMissingError, TransientError

BUCKET = "artifacts"


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        made = boto3.client("s3", config=Config(retries={"total_max_attempts": 1}))
        made.create_bucket(Bucket=BUCKET)
        yield made


@pytest.fixture
def artifacts(client: Any) -> Artifacts:
    return Artifacts(client, BUCKET)


def lines(client: Any, key: str) -> list[Any]:
    text = client.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    return [json.loads(line) for line in text.split("\n")]


def keys(client: Any) -> list[str]:
    return [each["Key"] for each in client.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def test_a_list_of_segments_lies_where_its_map_reads_it(artifacts: Artifacts, client: Any) -> None:
    segments = [{"work": "copy", "round": 1, "segment": 0, "totalSegments": 1}]
    key = artifacts.write_segments("prefs-v2", "copying", segments)
    assert key == "runs/prefs-v2/copying-segments.json"
    assert lines(client, key) == [segments]


def test_a_hundred_thousand_segments_are_one_object_of_some_megabytes(
    artifacts: Artifacts, client: Any
) -> None:
    one = {"work": "copy", "round": 1, "segment": 99_999, "totalSegments": 100_000}
    key = artifacts.write_segments("prefs-v2", "copying", [one] * 100_000)
    assert client.head_object(Bucket=BUCKET, Key=key)["ContentLength"] < 8_000_000


def test_a_page_that_is_quarantined_again_replaces_its_own(
    artifacts: Artifacts, client: Any
) -> None:
    folder = artifacts.quarantine("prefs-v2", "copy", 7)
    folder.store(2, [{"sourceKey": {"pk": {"S": "ü"}}, "reason": "first\ntry", "item": {}}])
    folder.store(2, [{"reason": "again"}, {"reason": "two"}])
    assert keys(client) == ["quarantine/prefs-v2/copy/000007/000002.jsonl"]
    assert lines(client, keys(client)[0]) == [{"reason": "again"}, {"reason": "two"}]


def test_an_outcome_is_read_as_it_was_written(artifacts: Artifacts) -> None:
    assert artifacts.read_outcome("prefs-v2") is None
    uri = artifacts.write_outcome("prefs-v2", {"status": "SUCCEEDED", "note": "ü"})
    assert uri == f"s3://{BUCKET}/outcomes/prefs-v2.json"
    assert artifacts.read_outcome("prefs-v2") == {"status": "SUCCEEDED", "note": "ü"}


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [("SlowDown", 503, TransientError), ("AccessDenied", 403, PermissionMissingError)],
)
def test_what_s3_refuses_is_our_own_error(
    artifacts: Artifacts, client: Any, code: str, status: int, expected: type[Exception]
) -> None:
    def refuse(**_: Any) -> None:
        response: Any = {
            "Error": {"Code": code, "Message": code},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
        raise ClientError(response, "PutObject")

    client.meta.events.register("before-call.s3.*", refuse)
    with pytest.raises(expected):
        artifacts.quarantine("prefs-v2", "copy", 7).store(2, [{}])
    with pytest.raises(expected):
        artifacts.read_outcome("prefs-v2")


def test_an_objects_lines_are_read_one_by_one(artifacts: Artifacts, client: Any) -> None:
    client.put_object(Bucket=BUCKET, Key="outcomes/p.differences.jsonl", Body='{"ü":1}\n{}\n')
    uri = f"s3://{BUCKET}/outcomes/p.differences.jsonl"
    assert list(artifacts.lines(uri)) == ['{"ü":1}'.encode(), b"{}"]
    with pytest.raises(NotFoundError, match=r"is not there \(any more\)"):
        list(artifacts.lines(f"s3://{BUCKET}/outcomes/nothing.jsonl"))
