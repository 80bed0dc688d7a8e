"""A folder with the face of an S3 client: the few calls that the artifacts bucket needs."""

import io
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


class FileBucket:
    """Objects are files below `folder`, whatever the bucket is called."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_: Any) -> None:  # noqa: ARG002
        """The file appears whole, or not at all."""
        path = self._folder / Key
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.{uuid.uuid4().hex}.new")
        new.write_bytes(Body)
        new.replace(path)

    def get_object(self, *, Bucket: str, Key: str, Range: str = "") -> dict[str, Any]:  # noqa: ARG002
        path = self._folder / Key
        if not path.is_file():
            raise _refusal("NoSuchKey", Key)
        found = _RANGE.fullmatch(Range)
        with path.open("rb") as file:
            if found is None:
                return {"Body": io.BytesIO(file.read())}
            if int(found[1]) >= path.stat().st_size:
                raise _refusal("InvalidRange", Key)
            file.seek(int(found[1]))
            return {"Body": io.BytesIO(file.read(int(found[2]) - int(found[1]) + 1))}

    def get_paginator(self, operation: str) -> "FileBucket":
        if operation != "list_objects_v2":
            raise ValueError(f"a folder does not know {operation}")
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: ARG002
        files = (path for path in self._folder.rglob("*") if path.is_file())
        keys = sorted(str(path.relative_to(self._folder)) for path in files)
        found = [key for key in keys if key.startswith(Prefix) and not key.endswith(".new")]
        yield {"Contents": [{"Key": key} for key in found]}

    def create_multipart_upload(self, *, Bucket: str, Key: str) -> dict[str, str]:  # noqa: ARG002
        return {"UploadId": f"{Key}.{uuid.uuid4().hex}.new"}

    def upload_part(
        self,
        *,
        Bucket: str,  # noqa: ARG002
        Key: str,  # noqa: ARG002
        UploadId: str,
        PartNumber: int,
        Body: bytes,
    ) -> dict[str, str]:
        path = self._folder / UploadId
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(Body)
        return {"ETag": str(PartNumber)}

    def complete_multipart_upload(
        self,
        *,
        Bucket: str,  # noqa: ARG002
        Key: str,
        UploadId: str,
        MultipartUpload: dict[str, Any],  # noqa: ARG002
    ) -> None:
        (self._folder / UploadId).replace(self._folder / Key)


def _refusal(code: str, key: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": key}}, "GetObject")
