"""How far the segments of a run are: counts, rate, what is left, and what workers said last."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tableferry.cli.stack import Segments
from tableferry.errors import MigrationPausedError
from tableferry.model import Failure, SegmentRecord, Work
from tableferry.runs.outcome import NOT_A_CAUSE
from tableferry.verification.content_verifying import STEP as VERIFICATION

# The state whose Map does each work.
MAP_OF_WORK: Mapping[Work, str] = {
    Work.CLEAN: "CleanDestination",
    Work.COPY: "CopySourceToDestination",
    Work.SWEEP: "SweepTombstones",
    Work.COUNT_SOURCE: "ReadBothTables",
    Work.COUNT_DESTINATION: "ReadBothTables",
    Work.DIGEST_SOURCE: "ReadBothTables",
    Work.DIGEST_DESTINATION: "ReadBothTables",
    Work.COMPARE: "CompareContents",
    Work.SEARCH: "SearchSource",
    Work.REPAIR: "RepairDestination",
}
# These begin a new round when the tables are read again; the ledger's step says which it is.
_READING = frozenset(
    {
        Work.COUNT_SOURCE,
        Work.COUNT_DESTINATION,
        Work.DIGEST_SOURCE,
        Work.DIGEST_DESTINATION,
    }
)
# Rates over less time than this say nothing.
_LEAST_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class WorkSeen:
    """One work of a run; `items` were read (for clean: deleted) by segments in all.

    `expected` is how many items there will be, as well as can be known; None where it can not.
    """

    work: Work
    segments: int
    done: int
    failed: int
    begun: int
    items: int
    expected: int | None
    throttled: int
    began_at: float
    progress_at: float
    slowest: SegmentRecord | None
    failures: tuple[tuple[Failure, int], ...]
    per_second: float | None = None
    hibernating: int = 0
    hibernates_until: float = 0.0

    @property
    def is_done(self) -> bool:
        return self.done == self.segments

    @property
    def running(self) -> int:
        """Segments that a worker took up and has neither done nor given up."""
        return self.begun - self.done - self.failed

    @property
    def eta_seconds(self) -> float | None:
        if self.expected is None or not self.per_second or self.is_done:
            return None
        return max(0.0, (self.expected - self.items) / self.per_second)

    def to_json(self, *, is_running: bool) -> dict[str, Any]:
        running = self.running if is_running else 0
        return {
            "work": str(self.work),
            "segments": {
                "total": self.segments,
                "done": self.done,
                "running": running,
                "failed": self.failed,
                "waiting": self.segments - self.done - self.failed - running,
            },
            "items": self.items,
            "expectedItems": self.expected,
            "itemsPerSecond": _rounded(self.per_second),
            "etaSeconds": _rounded(self.eta_seconds),
            "throttled": self.throttled,
            "hibernating": self.hibernating if is_running else 0,
            "slowestSegment": _slowest(self.slowest),
            "errors": [
                {
                    "name": failure.name,
                    "cause": failure.cause,
                    "hint": failure.hint,
                    "segments": count,
                }
                for failure, count in self.failures
            ],
        }


def works_of(
    segments: Segments,
    run: str,
    steps: Mapping[str, Any],
    *,
    sizes: Mapping[Work, int | None],
    redriven_at: float = 0.0,
) -> list[WorkSeen]:
    """Every work that the run has planned so far, in that order: each step that has `segments`.

    Failures from before `redriven_at` are over: their segments wait for a worker again.
    """
    found = []
    for work, count in _planned(steps):
        begun = [each for each in segments.segments(run, work, count) if each.invocations]
        current = _current_round(work, begun, steps)
        records = [record for record in begun if record.round == current]
        failed = [record for record in records if _has_failed(record, redriven_at)]
        found.append(_seen(work, count, records, failed, size=sizes.get(work)))
    return found


def _planned(steps: Mapping[str, Any]) -> list[tuple[Work, int]]:
    cuts = [step["segments"] for step in steps.values() if "segments" in step]
    return [(Work(name), count) for cut in cuts for name, count in cut.items()]


def _current_round(work: Work, begun: list[SegmentRecord], steps: Mapping[str, Any]) -> int:
    """Segments of earlier rounds prove nothing any more."""
    latest = max((record.round for record in begun), default=1)
    planned = int(steps.get(VERIFICATION, {}).get("round", 1)) if work in _READING else 1
    return max(latest, planned)


def _has_failed(record: SegmentRecord, redriven_at: float) -> bool:
    """A worker that was told to hand back did not fail: its segment waits for the next one."""
    failure = record.failure
    if failure is None or record.done or failure.name == MigrationPausedError.__name__:
        return False
    return failure.at > redriven_at


def _seen(
    work: Work,
    count: int,
    records: list[SegmentRecord],
    failed: list[SegmentRecord],
    *,
    size: int | None,
) -> WorkSeen:
    done = [record for record in records if record.done]
    items = sum(record.counts.read for record in records)
    return WorkSeen(
        work=work,
        segments=count,
        done=len(done),
        failed=len(failed),
        begun=len(records),
        items=items,
        expected=_expected(count, done, items, size),
        throttled=sum(record.counts.throttled for record in records),
        began_at=min((record.started_at for record in records), default=0.0),
        progress_at=max((record.progress_at for record in records), default=0.0),
        slowest=max(records, key=_duration, default=None),
        failures=_failures(failed),
        per_second=_average(records, items),
        hibernating=sum(record.hibernates_until > 0 for record in records),
        hibernates_until=max((record.hibernates_until for record in records), default=0.0),
    )


def _expected(count: int, done: list[SegmentRecord], items: int, size: int | None) -> int | None:
    """From the table's size where that is known, else from the segments that are done."""
    if len(done) == count:
        return items
    if size is not None:
        return max(items, size)
    if len(done) * 4 < count:
        return None
    return max(items, round(sum(record.counts.read for record in done) / len(done) * count))


def _average(records: list[SegmentRecord], items: int) -> float | None:
    """Items a second since the work began."""
    if not records:
        return None
    seconds = max(r.progress_at for r in records) - min(r.started_at for r in records)
    return items / seconds if seconds >= _LEAST_SECONDS else None


def _failures(records: Iterable[SegmentRecord]) -> tuple[tuple[Failure, int], ...]:
    """The workers' own last words, those that say most first; the same words once, counted."""
    latest: dict[tuple[str, str], Failure] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for record in records:
        if record.failure is not None:
            words = (record.failure.name, record.failure.cause)
            counts[words] += 1
            latest[words] = record.failure
    ordered = sorted(latest, key=lambda words: (words[0] in NOT_A_CAUSE, -latest[words].at))
    return tuple((latest[words], counts[words]) for words in ordered)


def _duration(record: SegmentRecord) -> float:
    return record.progress_at - record.started_at


def _slowest(record: SegmentRecord | None) -> dict[str, Any] | None:
    if record is None:
        return None
    return {
        "segment": record.segment,
        "seconds": round(_duration(record), 3),
        "items": record.counts.read,
        "slowestPageSeconds": round(record.slowest_page_seconds, 3),
        "throttled": record.counts.throttled,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
