"""Objects of the artifacts bucket by key, in whole or in part."""

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from tableferry.aws.refusals import error_code, translated

# S3 says the first two for GetObject, the last where a range begins past the object's end.
_MISSING = frozenset({"NoSuchKey", "404", "InvalidRange"})


class MissingObjectError(Exception):
    """The object, or the asked part of it, is not there. Never leaves the use cases."""


class BucketObjects:
    """One bucket; safe to share between threads."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self.bucket = bucket

    def put(self, key: str, body: bytes) -> None:
        with translated("s3:PutObject", self.uri(key)):
            self._client.put_object(Bucket=self.bucket, Key=key, Body=body)

    def get(self, key: str) -> bytes:
        """The whole object; raises MissingObjectError."""
        return self._get(key, {})

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """Exactly these bytes; raises MissingObjectError where the object has fewer."""
        if length == 0:
            return b""
        found = self._get(key, {"Range": f"bytes={start}-{start + length - 1}"})
        if len(found) != length:
            raise MissingObjectError(f"{self.uri(key)} ends before byte {start + length}")
        return found

    def keys(self, prefix: str) -> list[str]:
        """All keys that begin so, in order."""
        pages = self._client.get_paginator("list_objects_v2")
        with translated("s3:ListBucket", self.uri(prefix)):
            found = pages.paginate(Bucket=self.bucket, Prefix=prefix)
            return [each["Key"] for page in found for each in page.get("Contents", ())]

    def concatenate(self, key: str, parts: Sequence[str]) -> str:
        """Makes one object of these in their order, a few MB of them in memory; its URI."""
        upload = _Upload(self._client, self.bucket, key)
        with translated("s3:PutObject", self.uri(key)):
            for part in parts:
                upload.add(self.get(part))
            upload.end()
        return self.uri(key)

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def _get(self, key: str, part: dict[str, str]) -> bytes:
        with translated("s3:GetObject", self.uri(key)):
            try:
                answer = self._client.get_object(Bucket=self.bucket, Key=key, **part)
            except ClientError as error:
                if error_code(error) not in _MISSING:
                    raise
                raise MissingObjectError(f"{self.uri(key)} is not there ({part})") from error
            body: bytes = answer["Body"].read()
            return body


class _Upload:
    """One object in parts; S3 takes none under 5 MB but the last, and 10,000 [S3 limits]."""

    PART_BYTES = 8 * 1024 * 1024

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client = client
        self._place = {"Bucket": bucket, "Key": key}
        self._waiting: list[bytes] = []
        self._upload_id: str | None = None
        self._parts: list[dict[str, Any]] = []

    def add(self, body: bytes) -> None:
        self._waiting.append(body)
        if sum(map(len, self._waiting)) >= self.PART_BYTES:
            self._send()

    def end(self) -> None:
        if self._upload_id is None:
            self._client.put_object(**self._place, Body=b"".join(self._waiting))
            return
        self._send()
        self._client.complete_multipart_upload(
            **self._place, UploadId=self._upload_id, MultipartUpload={"Parts": self._parts}
        )

    def _send(self) -> None:
        body = b"".join(self._waiting)
        self._waiting.clear()
        if self._upload_id is None:
            # One that is never completed is removed by the bucket's lifecycle.
            self._upload_id = self._client.create_multipart_upload(**self._place)["UploadId"]
        if body:
            number = len(self._parts) + 1
            answer = self._client.upload_part(
                **self._place, UploadId=self._upload_id, PartNumber=number, Body=body
            )
            self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})
