"""Verification at level count: what was read of both tables, added up, compared, remembered."""

from collections.abc import Iterator
from typing import Protocol

from tableferry.comparing import Tally, compare_counts, require_complete, require_match, tally
from tableferry.model import SegmentRecord, Work
from tableferry.outcome import total
from tableferry.ports import StepLog
from tableferry.run_spec import RunSpec

STEP = "verification"


class SegmentRecords(Protocol):
    """The ledger's checkpoints, as far as verification needs them."""

    def segments(self, run: str, work: Work, count: int) -> Iterator[SegmentRecord]: ...


def reading_round(steps: StepLog, run: str) -> int:
    """Which reading of the tables this is: the next one after a comparison that failed."""
    remembered = steps.step(run, STEP)
    return int(remembered["round"]) if remembered else 1


def compare_tables(
    steps: StepLog, records: SegmentRecords, run: str, spec: RunSpec
) -> dict[str, bool]:
    """Compares the counts of the current round.

    Returns {"again": true} when this round's comparison failed before: a redrive starts at this
    very state, and what was read then proves nothing about now, so both tables are read again.
    Raises VerificationFailedError when the tables differ.
    """
    current = reading_round(steps, run)
    remembered = steps.step(run, STEP) or {"round": current}
    if remembered.get("failed"):
        steps.record_step(run, STEP, {"round": current + 1})
        return {"again": True}
    # Until this comparison is done it counts as failed, however it ends.
    steps.record_step(run, STEP, {"round": current, "failed": True})
    source = _tally(steps, records, run, Work.COUNT_SOURCE, round_number=current)
    destination = _tally(steps, records, run, Work.COUNT_DESTINATION, round_number=current)
    copied = (steps.step(run, "copying") or {"segments": {}})["segments"].get(Work.COPY, 0)
    result = compare_counts(
        source,
        destination,
        quarantined=total(records.segments(run, Work.COPY, copied)).quarantined,
        keep=spec.keep,
    )
    is_failed = spec.mode != "count" and not result["match"]
    steps.record_step(run, STEP, {"round": current, "result": result, "failed": is_failed})
    if spec.mode != "count":
        require_match(result)
    return {"again": False}


def _tally(
    steps: StepLog, records: SegmentRecords, run: str, work: Work, *, round_number: int
) -> Tally:
    planned = (steps.step(run, "verifying") or {"segments": {}})["segments"].get(work, 0)
    found = tally(records.segments(run, work, planned), round_number)
    require_complete(work, found, planned)
    return found
