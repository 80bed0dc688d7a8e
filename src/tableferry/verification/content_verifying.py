"""Verification at level content: which partitions are compared, and the verdict over all of them.

What a comparison found lies in its partitions' records and objects. `Standing` is what the run
remembers between its states: `round` counts readings of the tables, `comparison` counts looks at
differences, the first of which in this round was `since`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from tableferry.model import Counts, SegmentRecord, Work
from tableferry.ports import StepLog
from tableferry.segments.holding import SegmentTask
from tableferry.verification.content_comparing import partition_count
from tableferry.verification.differences import Difference
from tableferry.verification.digest_format import SUFFIX
from tableferry.verification.digest_reading import DigestObject, Objects
from tableferry.verification.digesting import entries_in
from tableferry.verification.partitions import all_differences

STEP = "verification"
SAMPLE = 100
# What the verdict answers as "next", and what the state that follows then begins.
DONE, READ, COMPARE, SEARCH, REPAIR = "done", "read", "compare", "search", "repair"
DIGESTS = (Work.DIGEST_SOURCE, Work.DIGEST_DESTINATION)


class SegmentRecords(Protocol):
    """The ledger's checkpoints, as far as verification needs them."""

    def segments(self, run: str, work: Work, count: int) -> Iterator[SegmentRecord]: ...


class IncompleteError(Exception):
    """Not everything was read or compared. Never leaves the use cases."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run's verification stands. `failed`: the last verdict was no match, or none at all;
    `incomplete`: only a new reading of the tables helps; `next`: what was decided and not begun;
    `repaired`: the differences were repaired since the execution was started or redriven.
    """

    round: int = 1
    comparison: int = 1
    since: int = 1
    failed: bool = False
    incomplete: bool = False
    next: str = ""
    repaired: bool = False
    result: dict[str, Any] | None = None

    @classmethod
    def of(cls, steps: StepLog, run: str) -> "Standing":
        return cls(**(steps.step(run, STEP) or {}))

    def keep(self, steps: StepLog, run: str) -> None:
        steps.record_step(run, STEP, asdict(self))

    def begun(self) -> "Standing":
        """With what was decided begun: a new reading of both tables, or a new look at what differs.

        A state that is run again finds nothing decided, and the same standing.
        """
        later = self.comparison + 1
        if self.next in {READ, REPAIR}:
            is_repaired = self.repaired or self.next == REPAIR
            return Standing(self.round + 1, later, later, repaired=is_repaired)
        if self.next in {COMPARE, SEARCH}:
            return replace(self, comparison=later, failed=False, next="", result=None)
        return self


def begin(steps: StepLog, run: str, what: str) -> Standing:
    """The run's standing; where `what` was decided it is begun, anything else is left to others."""
    standing = Standing.of(steps, run)
    if standing.next == what:
        standing = standing.begun()
        standing.keep(steps, run)
    return standing


def read_anew(steps: StepLog, run: str, *, after_gap: bool = False) -> None:
    """What was read before counts no more: verification counts from after a drain. After a gap the
    differences may be repaired again, too.
    """
    standing = Standing.of(steps, run)
    repaired = standing.repaired and not after_gap
    replace(standing, next=READ, repaired=repaired).keep(steps, run)


@dataclass(frozen=True, slots=True)
class Digests:
    """Both tables' digests of one round."""

    source: list[DigestObject]
    destination: list[DigestObject]

    @property
    def source_entries(self) -> int:
        return sum(each.entries for each in self.source)

    @property
    def destination_entries(self) -> int:
        return sum(each.entries for each in self.destination)


def prefix(run: str, round_number: int) -> str:
    """Where the objects of one round lie in the artifacts bucket."""
    return f"digests/{run}/{round_number:03d}"


def segment_prefix(run: str, round_number: int, work: Work, segment: int) -> str:
    return f"{prefix(run, round_number)}/{work}/{segment:06d}"


@dataclass(frozen=True, slots=True)
class SegmentFolder:
    """Where the digests of one segment go (digesting.DigestFolder)."""

    objects: Objects
    prefix: str

    def put(self, name: str, body: bytes) -> None:
        self.objects.put(f"{self.prefix}/{name}{SUFFIX}", body)


def segment_folder(objects: Objects, task: SegmentTask) -> SegmentFolder:
    return SegmentFolder(objects, segment_prefix(task.run, task.round, task.work, task.segment))


def find_digests(
    records: SegmentRecords, run: str, round_number: int, cuts: dict[str, int]
) -> Digests:
    """The objects that the checkpoints vouch for; raises IncompleteError when a segment was not
    read to its end in this round, or its objects do not hold what its checkpoint counted.
    """
    found = []
    for work in DIGESTS:
        planned = cuts.get(work, 0)
        objects = []
        complete = 0
        for record in records.segments(run, work, planned):
            if record.round != round_number or record.segments != planned or not record.done:
                continue
            complete += 1
            folder = segment_prefix(run, round_number, work, record.segment)
            own = [
                DigestObject(f"{folder}/{name}{SUFFIX}", entries_in(name))
                for name in record.objects
            ]
            if sum(each.entries for each in own) != record.counts.counted:
                raise IncompleteError(
                    f"the digests of segment {record.segment} ({work}) lack items"
                )
            objects += own
        if complete != planned or planned == 0:
            raise IncompleteError(f"{complete} of {planned} segments were read ({work})")
        found.append(objects)
    return Digests(*found)


def comparison_list(
    standing: Standing, digests: Digests, before: Sequence[SegmentRecord]
) -> tuple[int, list[dict[str, Any]]]:
    """How many partitions there are, and what the Map hands out.

    The first comparison of a round takes every partition; a later one those of the records
    `before` it that still have differences.
    """
    if standing.comparison == standing.since:
        count = partition_count(digests.source_entries, digests.destination_entries)
        return count, [_segment(standing, each, count) for each in range(count)]
    count = len(before)
    left = [record for record in before if record.objects]
    return count, [
        {
            **_segment(standing, record.segment, count),
            "inputs": record.objects,
            "carried": carried(record.counts).to_json(),
        }
        for record in left
    ]


def _segment(standing: Standing, partition: int, count: int) -> dict[str, Any]:
    return {
        "work": str(Work.COMPARE),
        "round": standing.comparison,
        "segment": partition,
        "totalSegments": count,
    }


def carried(counts: Counts) -> Counts:
    """What a later look at the differences does not count again."""
    return Counts(
        read=counts.read,
        counted=counts.counted,
        kept=counts.kept,
        expired=counts.expired,
        quarantined=counts.quarantined,
        source_change=counts.source_change,
        destination_change=counts.destination_change,
    )


def compared_partitions(
    records: SegmentRecords, run: str, standing: Standing, partitions: int
) -> list[SegmentRecord]:
    """The partitions' records in order; raises IncompleteError when one was not compared."""
    found = sorted(
        records.segments(run, Work.COMPARE, partitions), key=lambda record: record.segment
    )
    usable = [
        record
        for record in found
        if record.done
        and standing.since <= record.round <= standing.comparison
        and record.segments == partitions
    ]
    failures = [record.failure.cause for record in usable if record.failure]
    if failures:
        raise IncompleteError(failures[0])
    left = [record for record in usable if record.objects and record.round < standing.comparison]
    if len(usable) != partitions or partitions == 0 or left:
        raise IncompleteError(f"{len(usable) - len(left)} of {partitions} partitions were compared")
    return usable


def verdict(
    compared: Sequence[SegmentRecord], digests: Digests, objects: Objects
) -> dict[str, Any]:
    """The verification result as the contract prints it, without `detailsUri`.

    Raises IncompleteError when the partitions together did not compare every entry.
    """
    counts = Counts()
    for record in compared:
        counts.add(record.counts)
    entries = (digests.source_entries, digests.destination_entries)
    if (counts.read, counts.counted) != entries:
        raise IncompleteError(
            f"{counts.read} and {counts.counted} entries were compared of {entries[0]} and "
            f"{entries[1]}"
        )
    names = [name for record in compared for name in record.objects]
    wrong = counts.missing + counts.extra + counts.different + counts.undecided
    return {
        "level": "content",
        "match": wrong == 0 and not names,
        "sourceItems": counts.read + counts.source_change - counts.quarantined,
        "destinationItems": counts.counted + counts.destination_change,
        "missing": counts.missing,
        "extra": counts.extra,
        "different": counts.different,
        "undecided": counts.undecided,
        "kept": counts.kept,
        "newer": counts.newer,
        "sample": [each.public() for each in _first(all_differences(objects, names), SAMPLE)],
        "detailsUri": None,
    }


def _first(differences: Iterator[Difference], most: int) -> Iterator[Difference]:
    for _, each in zip(range(most), differences, strict=False):
        yield each
