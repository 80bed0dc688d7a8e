"""Planning the repair of what the last comparison left."""

from typing import Any

from tableferry.model import Work
from tableferry.ports import StepLog
from tableferry.segments.listing import SegmentLists
from tableferry.verification.content_verifying import REPAIR, SegmentRecords, begin, prefix
from tableferry.verification.planning_search import planned

STEP = "repairing"


def plan_repair(
    steps: StepLog, records: SegmentRecords, lists: SegmentLists, run: str
) -> dict[str, Any]:
    """Plans a repair of every partition with differences: {"key": the list's key, "segments"}.

    From here on both tables are to be read anew: a pass that repaired proves nothing.
    """
    standing = begin(steps, run, REPAIR)
    count = planned(steps, run, "comparing", Work.COMPARE)
    segments = [
        {
            "work": str(Work.REPAIR),
            "round": standing.round,
            "segment": record.segment,
            "totalSegments": count,
            "inputs": record.objects,
            "prefix": f"{prefix(run, standing.round)}/repairs",
        }
        for record in records.segments(run, Work.COMPARE, count)
        if record.objects
    ]
    value = {"segments": {str(Work.REPAIR): count}}
    steps.record_step(run, STEP, value)
    return {"key": lists.write_segments(run, STEP, segments), **value}
