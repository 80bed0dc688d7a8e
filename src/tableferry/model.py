"""What the ledger remembers of a run, as plain values."""

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from tableferry.limits import RunLimits


class Phase(StrEnum):
    """The phases of a copy, in lifecycle order; a lease counts on one of them."""

    CLAIMED = "claimed"
    CLEANING = "cleaning"
    CLEANED = "cleaned"
    COPYING = "copying"
    CLOSING = "closing"
    CLOSED = "closed"
    SWEEPING = "sweeping"
    SYNCED = "synced"

    @property
    def leaves_tombstones(self) -> bool:
        """Whether sync marks what it deletes: while a copy worker may hold a stale read."""
        return self.order <= Phase.CLOSING.order

    @property
    def order(self) -> int:
        return list(Phase).index(self)


# Pages that were cut smaller grow until this many items; then only DynamoDB's 1 MB bounds them.
LARGEST_PAGE_ITEMS = 10_000


class Work(StrEnum):
    """The kinds of work that are cut into segments."""

    CLEAN = "clean"
    COPY = "copy"
    SWEEP = "sweep"
    MEND = "mend"
    COUNT_SOURCE = "count-source"
    COUNT_DESTINATION = "count-destination"
    DIGEST_SOURCE = "digest-source"
    DIGEST_DESTINATION = "digest-destination"
    COMPARE = "compare"
    SEARCH = "search"
    REPAIR = "repair"

    @property
    def leased_phases(self) -> tuple[Phase, ...]:
        """The phases in which this work may have a lease; none where nothing is written."""
        leased = {
            Work.CLEAN: (Phase.CLEANING,),
            Work.COPY: (Phase.COPYING,),
            Work.SWEEP: (Phase.SWEEPING,),
            Work.MEND: (Phase.SYNCED,),
            # After the copy, and for live after the sweep, while sync goes on.
            Work.REPAIR: (Phase.CLOSED, Phase.SYNCED),
        }
        return leased.get(self, ())


@dataclass(frozen=True, slots=True)
class StopFlag:
    """Workers hand back while the execution has this redriveCount or is not RUNNING.

    `is_full`: a child's history can take no more, so that only a new execution can go on.
    """

    execution_arn: str
    redrive_count: int
    by: str
    at: float
    is_full: bool = False

    def is_for(self, execution_arn: str, redrive_count: int) -> bool:
        return (self.execution_arn, self.redrive_count) == (execution_arn, redrive_count)


@dataclass(frozen=True, slots=True)
class Control:
    """The small record that workers read again and again."""

    run: str
    owner: str
    phase: Phase
    destination: str
    stop: StopFlag | None = None
    limits: RunLimits | None = None
    stopped_by: str = ""
    """The execution (mode stop) that gave the run up; it alone may still end it."""
    shares_with: str = ""
    """The migration whose sync goes on writing the destination while this run repairs it."""

    @property
    def writer(self) -> str:
        """The run that has to be the destination's writer for this one to write there."""
        return self.shares_with or self.run

    @property
    def stopped(self) -> bool:
        return bool(self.stopped_by)


@dataclass(slots=True)
class Counts:
    """Items of a segment; of a copy `read` is the sum of those up to `quarantined`. Units are
    capacity units. What a comparison found stands last; `newer` are those of its differences whose
    source was written meanwhile, `untold` the extra items whose source key nothing told yet,
    `unnamed` the source items of collisions beyond those that are named; the changes are items that
    came or went, as far as differences showed, since `read` and `counted` were.
    """

    read: int = 0
    written: int = 0
    skipped: int = 0
    filtered: int = 0
    quarantined: int = 0
    deleted: int = 0
    counted: int = 0
    throttled: int = 0
    read_units: float = 0.0
    write_units: float = 0.0
    missing: int = 0
    extra: int = 0
    different: int = 0
    undecided: int = 0
    kept: int = 0
    expired: int = 0
    newer: int = 0
    untold: int = 0
    unnamed: int = 0
    source_change: int = 0
    destination_change: int = 0

    def add(self, other: "Counts") -> None:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def to_json(self) -> dict[str, int | float]:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Counts":
        counts = cls()
        for name, none in counts.to_json().items():
            setattr(counts, name, type(none)(document.get(name, 0)))
        return counts


@dataclass(frozen=True, slots=True)
class Failure:
    """The final error of a worker, written before it was raised."""

    name: str
    cause: str
    hint: str
    at: float


@dataclass(slots=True)
class SegmentRecord:
    """The checkpoint of one segment: everything up to `last_key` is durable in the destination.

    It is written after the writes that it vouches for, in one conditional update by the worker
    that still holds the segment; counts go with it, so that a page that is read again is not
    counted again. `segments` is the cut that `last_key` belongs to, `page_items` the most items
    of a page (0: what fits in 1 MB), `silent_seconds` how long the last invocations achieved
    nothing before they handed back, `objects` what lies in the artifacts bucket, in order.
    `turns` counts the invocations for the execution `turns_of`; until `hibernates_until` (epoch
    seconds) the next one waits, for applications need the table.
    """

    work: Work
    segment: int
    holder: str = ""
    round: int = 1
    segments: int = 0
    last_key: dict[str, Any] | None = None
    pages: int = 0
    page_items: int = 0
    page_seconds: float = 0.0
    slowest_page_seconds: float = 0.0
    done: bool = False
    invocations: int = 0
    turns: int = 0
    turns_of: str = ""
    hibernates_until: float = 0.0
    started_at: float = 0.0
    progress_at: float = 0.0
    silent_seconds: float = 0.0
    counts: Counts = field(default_factory=Counts)
    objects: list[str] = field(default_factory=list)
    failure: Failure | None = None

    def grow_pages(self) -> None:
        """Pages become larger again while they can be written."""
        doubled = self.page_items * 2
        self.page_items = 0 if doubled > LARGEST_PAGE_ITEMS else doubled


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to change the destination until `deadline` (epoch seconds), held by one
    invocation.
    """

    run: str
    work: Work
    segment: int
    holder: str
    deadline: float
