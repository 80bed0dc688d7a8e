"""Planning one more scan of the source, for extra items whose source key nothing told."""

import json
from typing import Any

from tableferry.model import Work
from tableferry.ports import StepLog
from tableferry.segments.cutting import segment_list
from tableferry.segments.listing import SegmentLists
from tableferry.verification.content_verifying import (
    SEARCH,
    SegmentRecords,
    Standing,
    begin,
    prefix,
    segment_prefix,
)
from tableferry.verification.digest_format import SUFFIX
from tableferry.verification.digest_reading import Objects
from tableferry.verification.partitions import all_differences
from tableferry.verification.searching import Searched, wanted_bytes

STEP = "searching"


def planned(steps: StepLog, run: str, name: str, work: Work) -> int:
    """How many segments of this work the named step planned."""
    value = steps.step(run, name) or {"segments": {}}
    return int(value["segments"].get(work, 0))


def left_differences(steps: StepLog, records: SegmentRecords, run: str) -> list[str]:
    """The objects with the differences that the last comparison left."""
    count = planned(steps, run, "comparing", Work.COMPARE)
    return [
        name for record in records.segments(run, Work.COMPARE, count) for name in record.objects
    ]


def plan_search(
    steps: StepLog, records: SegmentRecords, lists: SegmentLists, run: str, *, objects: Objects
) -> dict[str, Any]:
    """Plans the scan, cut as the source's digest was: {"key": the list's key, "segments"}."""
    standing = begin(steps, run, SEARCH)
    names = left_differences(steps, records, run)
    objects.put(_wanted_key(run, standing), wanted_bytes(all_differences(objects, names)))
    count = planned(steps, run, "verifying", Work.DIGEST_SOURCE)
    segments = [
        {"work": str(Work.SEARCH), "round": standing.comparison, **segment.to_json()}
        for segment in segment_list(count)
    ]
    value = {"segments": {str(Work.SEARCH): count}, "comparison": standing.comparison}
    steps.record_step(run, STEP, value)
    return {"key": lists.write_segments(run, STEP, segments), "segments": value["segments"]}


def searched_keys(objects: Objects, run: str, standing: Standing) -> bytes:
    """What the scan of this comparison looks for (searching.wanted_keys)."""
    return objects.get(_wanted_key(run, standing))


def list_search(
    steps: StepLog, records: SegmentRecords, run: str, standing: Standing, *, objects: Objects
) -> str | None:
    """Lists what the search of this comparison found; the list's key, None if there was none."""
    value = steps.step(run, STEP)
    if value is None or value["comparison"] != standing.comparison:
        return None
    found = [
        f"{segment_prefix(run, record.round, Work.SEARCH, record.segment)}/{name}{SUFFIX}"
        for record in records.segments(run, Work.SEARCH, value["segments"][Work.SEARCH])
        for name in record.objects
    ]
    key = f"{_prefix(run, standing)}.json"
    objects.put(key, json.dumps({"wanted": _wanted_key(run, standing), "found": found}).encode())
    return key


def read_search(objects: Objects, key: str) -> Searched:
    """What a search found, by the key of its list."""
    listed = json.loads(objects.get(key))
    return Searched.of(objects.get(listed["wanted"]), map(objects.get, listed["found"]))


def _prefix(run: str, standing: Standing) -> str:
    return f"{prefix(run, standing.round)}/search/{standing.comparison:03d}"


def _wanted_key(run: str, standing: Standing) -> str:
    return f"{_prefix(run, standing)}.keys"
