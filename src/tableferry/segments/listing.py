"""Cutting a table into segments and writing the list that a distributed Map reads."""

from typing import Any, Protocol

from tableferry.model import Work
from tableferry.ports import StepLog
from tableferry.segments.cutting import segment_count, segment_list


class SegmentLists(Protocol):
    """Where lists of segments lie for the Map."""

    def write_segments(self, run: str, work: str, segments: list[dict[str, Any]]) -> str: ...


def plan_work(
    steps: StepLog,
    lists: SegmentLists,
    run: str,
    name: str,
    *,
    cuts: dict[Work, int],
    round_number: int = 1,
) -> dict[str, Any]:
    """Plans the segments of each work, once: a continued run keeps its cut, or checkpoints would
    be of no use.

    Returns {"key": the list's key in the artifacts bucket, "segments": {work: how many}}.
    """
    planned = steps.step(run, name)
    if planned is None:
        planned = {"segments": {str(work): count for work, count in cuts.items()}}
        steps.record_step(run, name, planned)
    segments = [
        {"work": work, "round": round_number, **segment.to_json()}
        for work, count in planned["segments"].items()
        for segment in segment_list(count)
    ]
    return {"key": lists.write_segments(run, name, segments), **planned}


def cut(spec: dict[str, Any], items: int, size_bytes: int) -> int:
    """How many segments a table of this size has under this spec document."""
    return segment_count(
        spec["segments"],
        items=items,
        size_bytes=size_bytes,
        max_concurrency=spec["limits"]["maxConcurrency"],
    )
