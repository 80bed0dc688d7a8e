"""Objects in whole and in part, and one made of many, against moto's S3."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from tableferry.aws.objects import BucketObjects, MissingObjectError, _Upload
from tableferry.errors import PermissionMissingError

BUCKET = "artifacts"
MEGABYTE = 1024 * 1024


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        made = boto3.client("s3", config=Config(retries={"total_max_attempts": 1}))
        made.create_bucket(Bucket=BUCKET)
        yield made


@pytest.fixture
def objects(client: Any) -> BucketObjects:
    return BucketObjects(client, BUCKET)


def test_an_object_is_read_in_whole_and_in_part(objects: BucketObjects) -> None:
    objects.put("a/b", bytes(range(256)))
    assert objects.get("a/b") == bytes(range(256))
    assert objects.get_range("a/b", 10, 3) == b"\x0a\x0b\x0c"
    assert objects.get_range("a/b", 250, 6) == bytes(range(250, 256))
    assert objects.get_range("a/b", 999, 0) == b""
    assert objects.uri("a/b") == "s3://artifacts/a/b"


@pytest.mark.parametrize(("start", "length"), [(250, 7), (256, 1), (900, 5)])
def test_a_part_that_is_not_there_is_missing(
    objects: BucketObjects, start: int, length: int
) -> None:
    objects.put("a", bytes(range(256)))
    with pytest.raises(MissingObjectError):
        objects.get_range("a", start, length)


def test_an_object_that_is_not_there_is_missing(objects: BucketObjects) -> None:
    for read in (lambda: objects.get("a"), lambda: objects.get_range("a", 0, 1)):
        with pytest.raises(MissingObjectError):
            read()


def test_what_is_refused_names_the_permission(client: Any) -> None:
    with pytest.raises(PermissionMissingError, match=r"s3://elsewhere/a|NoSuchBucket"):
        _denied(client).get("a")


def _denied(client: Any) -> BucketObjects:
    from botocore.exceptions import ClientError

    class Denied:
        def get_object(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "GetObject")

    return BucketObjects(Denied(), "elsewhere")


def test_keys_are_listed_by_prefix_and_in_order(objects: BucketObjects) -> None:
    for number in (3, 1, 2):
        objects.put(f"quarantine/x/{number}", b"")
    objects.put("quarantine/y/1", b"")
    assert objects.keys("quarantine/x/") == [f"quarantine/x/{number}" for number in (1, 2, 3)]
    assert objects.keys("nothing/") == []


@pytest.mark.parametrize("sizes", [[], [10], [10, 20, 30]], ids=["none", "one", "three"])
def test_small_parts_make_one_object(objects: BucketObjects, sizes: list[int]) -> None:
    names = _put(objects, sizes)
    assert objects.concatenate("whole", names) == "s3://artifacts/whole"
    assert objects.get("whole") == b"".join(map(objects.get, names))


def test_large_parts_make_one_object_without_being_in_memory_together(
    objects: BucketObjects,
) -> None:
    half = _Upload.PART_BYTES // 2
    names = _put(objects, [half, half + 1, 9 * MEGABYTE, 17 * MEGABYTE, 5, 6])
    objects.concatenate("whole", names)
    assert objects.get("whole") == b"".join(map(objects.get, names))


def test_an_object_that_ends_with_a_full_part(objects: BucketObjects) -> None:
    names = _put(objects, [_Upload.PART_BYTES, _Upload.PART_BYTES])
    objects.concatenate("whole", names)
    assert len(objects.get("whole")) == 2 * _Upload.PART_BYTES


def _put(objects: BucketObjects, sizes: list[int]) -> list[str]:
    for number, size in enumerate(sizes):
        objects.put(f"part-{number}", bytes([number]) * size)
    return [f"part-{number}" for number in range(len(sizes))]
