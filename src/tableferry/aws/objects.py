"""Objects of the artifacts bucket by key, in whole or in part."""

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
