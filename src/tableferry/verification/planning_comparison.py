"""Cutting the comparison of two tables' digests into partitions, from what the digests hold."""

import json
from contextlib import suppress
from typing import Any

from tableferry.model import Counts, Work
from tableferry.ports import StepLog
from tableferry.segments.listing import SegmentLists
from tableferry.verification.content_verifying import (
    COMPARE,
    Digests,
    IncompleteError,
    SegmentRecords,
    Standing,
    begin,
    comparison_list,
    find_digests,
    prefix,
)
from tableferry.verification.digest_reading import DigestObject, Objects
from tableferry.verification.partitions import PartitionTask
from tableferry.verification.planning_search import list_search, planned, read_search
from tableferry.verification.searching import Searched

STEP = "comparing"


def plan_comparison(
    steps: StepLog, records: SegmentRecords, lists: SegmentLists, run: str, *, objects: Objects
) -> dict[str, Any]:
    """Plans the partitions of this comparison: {"key": the list's key, "segments"}.

    Where the digests are incomplete the list is empty: the verdict says so, and what comes then.
    """
    standing = begin(steps, run, COMPARE)
    cuts = (steps.step(run, "verifying") or {"segments": {}})["segments"]
    count, segments = 0, list[dict[str, Any]]()
    with suppress(IncompleteError):
        digests = find_digests(records, run, standing.round, cuts)
        known = planned(steps, run, STEP, Work.COMPARE)
        before = list(records.segments(run, Work.COMPARE, known))
        count, segments = comparison_list(standing, digests, before)
        searched = list_search(steps, records, run, standing, objects=objects)
        segments = [{**segment, "searched": searched} for segment in segments]
        objects.put(_list_key(run, standing.round), _to_bytes(digests))
    steps.record_step(run, STEP, {"segments": {str(Work.COMPARE): count}})
    key = lists.write_segments(run, STEP, segments)
    return {"key": key, "segments": {str(Work.COMPARE): count}}


def listed_digests(objects: Objects, run: str, round_number: int) -> Digests:
    """The digests of a round, as `plan_comparison` found them; MissingObjectError before that."""
    document = json.loads(objects.get(_list_key(run, round_number)))
    source, destination = (
        [DigestObject(key, entries) for key, entries in document[side]]
        for side in ("source", "destination")
    )
    return Digests(source, destination)


def partition_task(
    steps: StepLog, objects: Objects, run: str, segment: dict[str, Any]
) -> PartitionTask:
    """What the Map's child has to compare: digests, or the differences that an earlier one left."""
    round_number = Standing.of(steps, run).round
    inputs = segment.get("inputs")
    digests = listed_digests(objects, run, round_number) if inputs is None else Digests([], [])
    searched = segment.get("searched")
    return PartitionTask(
        source=digests.source,
        destination=digests.destination,
        prefix=prefix(run, round_number),
        inputs=inputs,
        carried=Counts.from_json(segment.get("carried", {})),
        searched=read_search(objects, searched) if searched else Searched(),
    )


def _list_key(run: str, round_number: int) -> str:
    return f"{prefix(run, round_number)}/objects.json"


def _to_bytes(digests: Digests) -> bytes:
    document = {
        "source": [(each.key, each.entries) for each in digests.source],
        "destination": [(each.key, each.entries) for each in digests.destination],
    }
    return json.dumps(document, separators=(",", ":")).encode()
