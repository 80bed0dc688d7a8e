"""The artifacts bucket: segment lists, quarantine, outcomes."""

import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from tableferry.aws.refusals import translated
from tableferry.errors import NotFoundError, RequestRefusedError


class Artifacts:
    """Reads and writes of the artifacts bucket; keys are in docs/operating.md."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self.bucket = bucket

    def write_segments(self, run: str, work: str, segments: list[dict[str, Any]]) -> str:
        """Writes the list that a distributed Map reads; returns its key."""
        key = f"runs/{run}/{work}-segments.json"
        self._put(key, json.dumps(segments, separators=(",", ":")).encode())
        return key

    def quarantine(self, migration_id: str, work: str, segment: int) -> "QuarantineFolder":
        return QuarantineFolder(
            self._put, self.bucket, f"quarantine/{migration_id}/{work}/{segment:06d}"
        )

    def write_outcome(self, name: str, outcome: dict[str, Any]) -> str:
        """Writes an outcome; returns its URI."""
        key = f"outcomes/{name}.json"
        self._put(key, json.dumps(outcome, indent=1, ensure_ascii=False).encode())
        return f"s3://{self.bucket}/{key}"

    def write_report(self, name: str, page: str) -> str:
        """Writes a report beside the outcome, as a page that the console opens; returns its URI."""
        # What no encoding has (half of a character) must not cost the page.
        body = page.encode("utf-8", "backslashreplace")
        self._put(f"outcomes/{name}.html", body, "text/html; charset=utf-8")
        return self.report_uri(name)

    def report_uri(self, name: str) -> str:
        """Where `write_report` puts it."""
        return f"s3://{self.bucket}/outcomes/{name}.html"

    def quarantined(self, migration_id: str, most: int) -> list[dict[str, Any]]:
        """The first entries in quarantine: {"sourceKey", "reason", …}, in DynamoDB JSON."""
        prefix = f"quarantine/{migration_id}/"
        found: list[dict[str, Any]] = []
        with translated("s3:ListBucket", f"s3://{self.bucket}/{prefix}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=prefix
            )
            keys = (each["Key"] for page in pages for each in page.get("Contents", ()))
            for key in keys:
                lines = self.lines(f"s3://{self.bucket}/{key}")
                found += [json.loads(line) for line in islice(lines, most - len(found))]
                if len(found) >= most:
                    break
        return found

    def read_outcome(self, name: str) -> dict[str, Any] | None:
        key = f"outcomes/{name}.json"
        try:
            with translated("s3:GetObject", f"s3://{self.bucket}/{key}"):
                answer = self._client.get_object(Bucket=self.bucket, Key=key)
        except RequestRefusedError as error:
            if error.code == "NoSuchKey":
                return None
            raise
        outcome: dict[str, Any] = json.loads(answer["Body"].read())
        return outcome

    def lines(self, uri: str) -> Iterator[bytes]:
        """The lines of one of the bucket's objects, read as they are asked for."""
        key = uri.removeprefix(f"s3://{self.bucket}/")
        try:
            with translated("s3:GetObject", uri):
                answer = self._client.get_object(Bucket=self.bucket, Key=key)
                yield from answer["Body"].iter_lines()
        except RequestRefusedError as error:
            if error.code == "NoSuchKey":
                raise NotFoundError(
                    f"{uri} is not there (any more)", hint="verify again"
                ) from error
            raise

    def _put(self, key: str, body: bytes, kind: str = "application/json") -> None:
        with translated("s3:PutObject", f"s3://{self.bucket}/{key}"):
            self._client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=kind)


class QuarantineFolder:
    """The quarantine of one segment: one object a page, so that a repeated page replaces its
    own.
    """

    def __init__(self, put: Callable[[str, bytes], None], bucket: str, prefix: str) -> None:
        self._put = put
        self._bucket = bucket
        self._prefix = prefix

    def store(self, page_number: int, entries: list[dict[str, Any]]) -> None:
        """Writes JSON Lines: {"sourceKey", "reason", "item"}, items in DynamoDB JSON."""
        self.store_as(f"{page_number:06d}", entries)

    def store_as(self, name: str, entries: list[dict[str, Any]]) -> None:
        """Writes JSON Lines under that name; images are DynamoDB JSON."""
        lines = [json.dumps(entry, ensure_ascii=False) for entry in entries]
        self._put(f"{self._prefix}/{name}.jsonl", "\n".join(lines).encode())
