"""What a copy did with items that it did not write: for verification to know, by source key."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tableferry import canonical
from tableferry.items import from_typed
from tableferry.verification.digest_format import QUARANTINED, SKIPPED

# The folders of the artifacts bucket where a copy leaves its quarantine, and the keys that it
# skipped because the destination holds other items there.
FOLDERS = {"quarantine": QUARANTINED, "skipped": SKIPPED}


class ListedObjects(Protocol):
    """The artifacts bucket, listed and read."""

    def keys(self, prefix: str) -> list[str]: ...

    def get(self, key: str) -> bytes: ...


class WritableObjects(Protocol):
    """The artifacts bucket, written."""

    def put(self, key: str, body: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class SkippedFolder:
    """Where one segment's copy notes the items that it skipped (copying.CopyRules.kept)."""

    objects: WritableObjects
    migration_id: str
    segment: int

    def store(self, page_number: int, entries: list[dict[str, Any]]) -> None:
        key = f"{_folder('skipped', self.migration_id, self.segment)}{page_number:06d}.jsonl"
        self.objects.put(key, "\n".join(map(json.dumps, entries)).encode())


def marks_of_copy(
    objects: ListedObjects, migration_id: str, segment: int, key_names: Sequence[str]
) -> dict[bytes, int]:
    """The marks (digest_format.py) of one copied segment's items, by canonical source key."""
    marks: dict[bytes, int] = {}
    for folder, mark in FOLDERS.items():
        for page in objects.keys(_folder(folder, migration_id, segment)):
            for line in objects.get(page).splitlines():
                key: dict[str, Any] = json.loads(line)["sourceKey"]
                identity = canonical.key_bytes(from_typed(key), key_names)
                marks[identity] = marks.get(identity, 0) | mark
    return marks


def _folder(name: str, migration_id: str, segment: int) -> str:
    return f"{name}/{migration_id}/copy/{segment:06d}/"
