"""The verdict on two tables at either level, and what is to be done after it.

A verdict that is no match fails the state. A redrive starts at this very state, so it first has the
comparison made anew: counts prove nothing about now, so both tables are read again; of contents
the differences are looked at again, so that a redrive after a repair passes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

from tableferry.aws.objects import MissingObjectError
from tableferry.errors import VerificationFailedError
from tableferry.items import shown
from tableferry.model import SegmentRecord, Work
from tableferry.ports import StepLog
from tableferry.runs.outcome import total
from tableferry.runs.run_spec import RunSpec
from tableferry.verification.comparing import (
    Tally,
    compare_counts,
    require_complete,
    require_match,
    tally,
)
from tableferry.verification.content_verifying import (
    COMPARE,
    DONE,
    READ,
    REPAIR,
    SEARCH,
    Digests,
    IncompleteError,
    Standing,
    compared_partitions,
    find_digests,
    verdict,
)
from tableferry.verification.digest_reading import Objects


class SegmentRecords(Protocol):
    """The ledger's checkpoints, as far as verification needs them."""

    def segments(self, run: str, work: Work, count: int) -> Iterator[SegmentRecord]: ...


class Details(Objects, Protocol):
    """The artifacts bucket, which can also make one object of many; answers with its URI."""

    def concatenate(self, key: str, parts: Sequence[str]) -> str: ...


def compare_counted_tables(
    steps: StepLog, records: SegmentRecords, run: str, spec: RunSpec
) -> dict[str, str]:
    """The verdict at level count; raises VerificationFailedError when the counts differ."""
    standing = Standing.of(steps, run)
    if standing.failed or standing.next:
        return _decide(steps, run, replace(standing, next=READ))
    # Until this comparison is done it counts as failed, however it ends.
    replace(standing, failed=True).keep(steps, run)
    source, destination = (
        _tally(steps, records, run, work, round_number=standing.round)
        for work in (Work.COUNT_SOURCE, Work.COUNT_DESTINATION)
    )
    copied = (steps.step(run, "copying") or {"segments": {}})["segments"].get(Work.COPY, 0)
    result = compare_counts(
        source,
        destination,
        quarantined=total(records.segments(run, Work.COPY, copied)).quarantined,
        keep=spec.keep,
    )
    is_failed = spec.mode != "count" and not result["match"]
    replace(standing, result=result, failed=is_failed).keep(steps, run)
    if spec.mode != "count":
        require_match(result)
    return {"next": DONE}


def _tally(
    steps: StepLog, records: SegmentRecords, run: str, work: Work, *, round_number: int
) -> Tally:
    planned = (steps.step(run, "verifying") or {"segments": {}})["segments"].get(work, 0)
    found = tally(records.segments(run, work, planned), round_number)
    require_complete(work, found, planned)
    return found


def compare_contents(
    steps: StepLog,
    records: SegmentRecords,
    run: str,
    spec: RunSpec,
    *,
    objects: Details,
) -> dict[str, str]:
    """The verdict at level content, over what the partitions found.

    Raises VerificationFailedError when the tables differ, or when not everything was compared.
    """
    standing = Standing.of(steps, run)
    if standing.next:
        return {"next": standing.next}
    if standing.failed:
        # A redrive: everything may be tried again, repair too.
        again = READ if _is_to_read(steps, records, run, standing) else COMPARE
        return _decide(steps, run, replace(standing, next=again, repaired=False))
    replace(standing, failed=True).keep(steps, run)
    try:
        compared = _compared(steps, records, run, standing)
        result = verdict(compared, _digests(steps, records, run, standing), objects)
    except (IncompleteError, MissingObjectError) as error:
        replace(standing, failed=True, incomplete=True).keep(steps, run)
        raise VerificationFailedError(
            f"verification is incomplete, so it says nothing: {error}",
            hint="redrive: both tables are read again",
        ) from error
    if any(record.counts.untold for record in compared):
        # Nobody knows yet which of the extra items are differences.
        return _decide(steps, run, replace(standing, next=SEARCH))
    if not result["match"]:
        result["detailsUri"] = _write_details(spec, compared, objects)
        if spec.repair and not standing.repaired:
            return _decide(steps, run, replace(standing, next=REPAIR, result=result))
    replace(standing, result=result, failed=not result["match"]).keep(steps, run)
    require_equal(result)
    return {"next": DONE}


def _write_details(spec: RunSpec, compared: Sequence[SegmentRecord], objects: Details) -> str:
    """All differences as one object; its URI."""
    names = [name for record in compared for name in record.objects]
    return objects.concatenate(f"outcomes/{spec.outcome_name}.differences.jsonl", names)


def _is_to_read(steps: StepLog, records: SegmentRecords, run: str, standing: Standing) -> bool:
    """Whether only reading both tables tells what is left, not a look at single keys."""
    left = records.segments(run, Work.COMPARE, _partitions(steps, run))
    return standing.incomplete or any(record.counts.unnamed for record in left)


def _decide(steps: StepLog, run: str, decided: Standing) -> dict[str, str]:
    decided.keep(steps, run)
    return {"next": decided.next}


def _compared(
    steps: StepLog, records: SegmentRecords, run: str, standing: Standing
) -> list[SegmentRecord]:
    return compared_partitions(records, run, standing, _partitions(steps, run))


def _partitions(steps: StepLog, run: str) -> int:
    planned = (steps.step(run, "comparing") or {"segments": {}})["segments"]
    return int(planned.get(Work.COMPARE, 0))


def _digests(steps: StepLog, records: SegmentRecords, run: str, standing: Standing) -> Digests:
    cuts = (steps.step(run, "verifying") or {"segments": {}})["segments"]
    return find_digests(records, run, standing.round, cuts)


def require_equal(result: dict[str, Any]) -> None:
    """Raises VerificationFailedError with the figures and the first keys when there is no match."""
    if result["match"]:
        return
    figures = ", ".join(
        f"{result[name]} {name}"
        for name in ("missing", "extra", "different", "undecided")
        if result[name]
    )
    newer = f"; {result['newer']} of them are newer writes to the source" if result["newer"] else ""
    named = "; ".join(f"{each['kind']} {shown(each['key'])}" for each in result["sample"][:5])
    raise VerificationFailedError(
        f"the tables differ: {figures}{newer} ({named}); all of them: {result['detailsUri']}",
        hint="mend it, or have it repaired (`tableferry verify ID --repair`), and redrive: the "
        "differences are looked at again",
    )
