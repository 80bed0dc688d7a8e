"""A folder that DynamoDB exported to S3: its manifests, and `data/*.json.gz`.

[DDB:S3DataExport.Output] has the files: manifest-summary.json, manifest-files.json (a JSON object a
line), and for each data file an item count and an MD5 of its bytes in base64.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from tableferry.errors import InvalidSpecError, Problem
from tableferry.local.loading.entries import Entry
from tableferry.local.loading.json_lines import EXPORTED, JsonLines

_SUMMARY, _FILES = "manifest-summary.json", "manifest-files.json"
_AGAIN = "copy the export from S3 again: aws s3 sync s3://BUCKET/PREFIX FOLDER"


@dataclass(frozen=True, slots=True)
class Export:
    """A full export; `counts` are the items that the manifest promises of each file."""

    folder: Path
    counts: dict[Path, int | None]
    table: str

    @classmethod
    def of(cls, folder: Path) -> "Export":
        """The export in a folder, or below it; raises InvalidSpecError with all that is missing."""
        summaries = sorted(folder.rglob(_SUMMARY))
        if len(summaries) > 1:
            named = [str(each.parent.relative_to(folder)) for each in summaries]
            remedy = "name one of its folders"
            _refuse(str(folder), named, f"holds {len(summaries)} exports", remedy)
        if summaries:
            return cls._of_manifest(summaries[0].parent)
        files = sorted(folder.glob("data/*.json.gz")) or sorted(folder.glob("*.json.gz"))
        if not files:
            _refuse(str(folder), None, f"holds no {_SUMMARY} and no data/*.json.gz", _AGAIN)
        return cls(folder, dict.fromkeys(files), "")

    @classmethod
    def _of_manifest(cls, folder: Path) -> "Export":
        summary = _document(folder / _SUMMARY)
        for field, wanted in (("outputFormat", "DYNAMODB_JSON"), ("exportType", "FULL_EXPORT")):
            if summary.get(field, wanted) != wanted:
                _refuse(f"{_SUMMARY}.{field}", summary[field], f"must be {wanted}", "export anew")
        counts: dict[Path, int | None] = {}
        problems: list[Problem] = []
        for line in (folder / _FILES).read_text(encoding="utf-8").splitlines():
            listed = json.loads(line)
            path = folder / "data" / Path(listed["dataFileS3Key"]).name
            counts[path] = int(listed["itemCount"])
            problems += _file_problems(path, listed)
        promised, listed_items = summary.get("itemCount"), sum(n or 0 for n in counts.values())
        if promised is not None and int(promised) != listed_items:
            rule = f"promises {promised} items; {_FILES} lists {listed_items}"
            problems.append(Problem(_SUMMARY, promised, rule, _AGAIN))
        if problems:
            raise InvalidSpecError(problems)
        return cls(folder, counts, str(summary.get("tableArn", "")).rpartition("/")[2])

    @property
    def said(self) -> list[str]:
        of = f" of the table {self.table}" if self.table else ", without a manifest"
        return [f"{self.folder}: a DynamoDB export{of}, {len(self.counts)} data files"]

    def entries(self) -> Iterator[Entry]:
        for path, promised in self.counts.items():
            found = 0
            for entry in JsonLines(path, EXPORTED).entries():
                found += 1
                yield entry
            if promised is not None and found != promised:
                rule = f"holds {found} items; the manifest promises {promised}"
                yield Entry.refused(path.name, None, rule, _AGAIN)


def _document(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        _refuse(path.name, None, f"can not be read: {error}", _AGAIN)
    if not isinstance(found, dict):
        _refuse(path.name, None, "is not an object", _AGAIN)
    document: dict[str, Any] = found
    return document


def _file_problems(path: Path, listed: dict[str, Any]) -> list[Problem]:
    if not path.is_file():
        return [Problem(f"data/{path.name}", None, "is in the manifest, and not there", _AGAIN)]
    wanted = listed.get("md5Checksum")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).digest()
    found = base64.b64encode(digest).decode()
    if wanted and wanted != found:
        rule = f"has the MD5 {found}; the manifest says {wanted}"
        return [Problem(f"data/{path.name}", None, rule, _AGAIN)]
    return []


def _refuse(path: str, value: Any, rule: str, remedy: str) -> NoReturn:
    raise InvalidSpecError([Problem(path, value, rule, remedy)])
