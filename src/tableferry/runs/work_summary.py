"""What the segments of one work add up to: how fast it went when, and which were slow."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest

from tableferry.model import Counts, SegmentRecord, Work

BUCKETS = 60
MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class SegmentSeen:
    """One segment that stands out."""

    segment: int
    seconds: float
    items: int
    slowest_page_seconds: float
    throttled: int
    invocations: int
    done: bool

    @classmethod
    def of(cls, record: SegmentRecord) -> "SegmentSeen":
        return cls(
            record.segment,
            _seconds(record),
            record.counts.read,
            record.slowest_page_seconds,
            record.counts.throttled,
            record.invocations,
            record.done,
        )


@dataclass(frozen=True, slots=True)
class WorkSummary:
    """One work of a run; times are epoch seconds, 0.0 where it was not begun.

    `rate` holds items a second for equal parts of the time from `began_at` to `ended_at`: a
    segment's items are spread evenly over its own time, since the ledger knows no more.
    """

    work: Work
    segments: int
    begun: int
    done: int
    counts: Counts
    began_at: float = 0.0
    ended_at: float = 0.0
    rate: tuple[float, ...] = ()
    slowest: tuple[SegmentSeen, ...] = ()
    throttled: tuple[SegmentSeen, ...] = ()

    @property
    def seconds(self) -> float:
        return self.ended_at - self.began_at


def summarise(
    work: Work, planned: int, records: Sequence[SegmentRecord], counts: Counts
) -> WorkSummary:
    """The summary of all of a work's segments; `counts` is their sum."""
    begun = [record for record in records if record.invocations]
    if not begun:
        return WorkSummary(work, planned, 0, 0, counts)
    began_at = min(record.started_at for record in begun)
    ended_at = max(record.progress_at for record in begun)
    throttled = [record for record in begun if record.counts.throttled]
    return WorkSummary(
        work=work,
        segments=planned,
        begun=len(begun),
        done=sum(record.done for record in begun),
        counts=counts,
        began_at=began_at,
        ended_at=ended_at,
        rate=_rate(begun, began_at, ended_at),
        slowest=_seen(nlargest(MOST_NAMED, begun, key=_seconds)),
        throttled=_seen(nlargest(MOST_NAMED, throttled, key=lambda each: each.counts.throttled)),
    )


def _seen(records: Sequence[SegmentRecord]) -> tuple[SegmentSeen, ...]:
    return tuple(SegmentSeen.of(record) for record in records)


def _seconds(record: SegmentRecord) -> float:
    return max(0.0, record.progress_at - record.started_at)


def _rate(records: Sequence[SegmentRecord], began_at: float, ended_at: float) -> tuple[float, ...]:
    width = (ended_at - began_at) / BUCKETS
    if width <= 0:
        return ()
    items = [0.0] * BUCKETS
    for record in records:
        # What has taken no measurable time still belongs somewhere.
        start = (record.started_at - began_at) / width
        end = max((record.progress_at - began_at) / width, start + 1e-9)
        each = record.counts.read / (end - start)
        for place in range(min(int(start), BUCKETS - 1), min(int(end), BUCKETS - 1) + 1):
            last = place == BUCKETS - 1
            upper = end if last else min(end, place + 1)
            items[place] += max(0.0, upper - max(start, place)) * each
    return tuple(count / width for count in items)
