"""Cutting both tables into the segments that verification reads."""

from collections.abc import Mapping
from typing import Any

from tableferry.model import Work
from tableferry.ports import StepLog
from tableferry.runs.run_spec import RunSpec
from tableferry.segments.listing import SegmentLists, cut, plan_work
from tableferry.table_facts import TableFacts
from tableferry.verification.content_verifying import READ, begin

STEP = "verifying"


def plan_reading(
    steps: StepLog,
    lists: SegmentLists,
    run: str,
    spec: RunSpec,
    *,
    tables: tuple[TableFacts, TableFacts],
    copied_segments: int,
) -> dict[str, Any]:
    """Plans the reading of source and destination: {"key": the list's key, "segments"}.

    A table's size is refreshed every six hours, so the destination's may be that of before the
    copy: each is cut by the larger one. Where a copy left notes on its segments' items
    (marks.py), the source is cut as the copy cut it; `copied_segments` is 0 if there was none.
    """
    segments = cut(
        spec.document, max(each.items for each in tables), max(each.size_bytes for each in tables)
    )
    if not spec.compares_content:
        cuts = {Work.COUNT_SOURCE: segments, Work.COUNT_DESTINATION: segments}
    else:
        cuts = {Work.DIGEST_SOURCE: copied_segments or segments, Work.DIGEST_DESTINATION: segments}
    current = begin(steps, run, READ).round
    planned = plan_work(steps, lists, run, STEP, cuts=cuts, round_number=current)
    return {"key": planned["key"], "segments": planned["segments"]}


def copied_segments(record: Mapping[str, Any] | None, spec: RunSpec) -> int:
    """Into how many segments the copy between these tables cut its source, if it left notes.

    `record` is that of the migration of this id: the run itself, or the one that is verified.
    """
    if record is None or record["mode"] != "migrate" or not (spec.keep or spec.quarantine):
        return 0
    theirs = record["spec"]
    if any(theirs[name] != spec.document[name] for name in ("source", "destination", "transform")):
        return 0
    copying = record["steps"].get("copying", {"segments": {}})
    return int(copying["segments"].get(Work.COPY, 0))
