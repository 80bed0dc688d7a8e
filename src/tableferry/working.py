"""The spine of every segment worker: hold the segment, read pages ahead, checkpoint, hand back.

What is done with a page is the caller's (`copying`, `cleaning`, `counting`); that a page counts
only after its writes are durable, that nothing is written without a lease, and that every thread
is joined before the invocation returns, is decided here once.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from tableferry.aws.ledger_table import ConditionFailedError
from tableferry.aws.retrying import Progress, Retrier
from tableferry.aws.wire import ScanAnswer, WireClient
from tableferry.deadline import Deadline, OutOfTimeError
from tableferry.errors import NotOwnerError, TableferryError
from tableferry.items import WireItem
from tableferry.model import Control, Counts, Failure, Lease, SegmentRecord, Work
from tableferry.ownership import Gate, Watch

_scan_answers = msgspec.json.Decoder(ScanAnswer)

# How many batches of one worker are in flight at once; a page of 1 MB holds some 100 batches.
WRITE_THREADS = 16


class Hook(Protocol):
    """Told of each named moment; does nothing in production. Tests block, kill or change data
    there.
    """

    def __call__(self, moment: str, **facts: Any) -> None: ...


def no_hook(moment: str, **facts: Any) -> None:
    """The hook of production."""


@dataclass(frozen=True, slots=True)
class SegmentTask:
    """One segment of one run's work, as the state machine's Map hands it out."""

    run: str
    owner: str
    work: Work
    segment: int
    segments: int
    round: int = 1

    @classmethod
    def from_event(cls, event: dict[str, Any], work: Work | None = None) -> "SegmentTask":
        return cls(
            run=event["migration"]["run"],
            owner=event["migration"]["owner"],
            work=work or Work(event["segment"]["work"]),
            segment=int(event["segment"]["segment"]),
            segments=int(event["segment"]["totalSegments"]),
            round=int(event["segment"].get("round", 1)),
        )


@dataclass(frozen=True, slots=True)
class Page:
    """One scan page; `items` is empty for a count."""

    items: list[WireItem]
    count: int
    number: int
    last_key: dict[str, Any] | None
    units: float


class SegmentLog(Protocol):
    """The ledger's checkpoints and leases, as far as a worker needs them."""

    def hold_segment(
        self, control: Control, record: SegmentRecord, lease: Lease | None
    ) -> None: ...

    def segment(self, run: str, work: Work, segment: int) -> SegmentRecord: ...

    def checkpoint(self, run: str, record: SegmentRecord) -> None: ...

    def release(self, lease: Lease) -> None: ...


@dataclass(frozen=True, slots=True)
class Scan:
    """How a worker reads its table: the client, and the parts of the Scan request that it
    chooses.
    """

    client: WireClient
    table: str
    request: dict[str, Any]


@dataclass(slots=True)
class Worker:
    """One invocation's work on one segment. `holder` names the invocation, uniquely."""

    task: SegmentTask
    holder: str
    log: SegmentLog
    gate: Gate
    deadline: Deadline
    stall_seconds: float
    hook: Hook = no_hook
    now: Callable[[], float] = time.time
    retrier: Retrier = field(init=False)
    watch: Watch = field(init=False)
    pool: ThreadPoolExecutor = field(init=False)

    def run(self, scan: Scan, handle: "Callable[[Page], Counts]") -> bool:
        """Works on the segment until it is done (True) or time is up (False).

        Raises what ended the work, after writing it into the ledger: a failed Map says only that
        its threshold was exceeded, so `status` and the outcome name the worker's own error.
        """
        record = self._checkpointed()
        if record.done:
            return True
        control = self.gate.admit(self.task.run, self.task.owner)
        record, lease = self._hold(control)
        try:
            return self._work(scan, handle, record)
        except OutOfTimeError:
            # Keeps progress_at, so that a stall is noticed across invocations.
            self.log.checkpoint(self.task.run, record)
            return False
        except TableferryError as error:
            self._record_failure(record, error.name, error.cause, error.hint)
            raise
        except Exception as error:
            self._record_failure(record, type(error).__name__, str(error), "this is a defect")
            raise
        finally:
            if lease is not None:
                self.log.release(lease)

    def _checkpointed(self) -> SegmentRecord:
        """The segment's checkpoint; a fresh one when it belongs to an earlier round of reading."""
        task = self.task
        record = self.log.segment(task.run, task.work, task.segment)
        if record.round == task.round:
            return record
        return SegmentRecord(task.work, task.segment, record.holder, task.round)

    def _hold(self, control: Control) -> tuple[SegmentRecord, Lease | None]:
        task = self.task
        lease = None
        if task.work.leased_phase is not None:
            ends = self.deadline.lease_ends_at
            lease = Lease(task.run, task.work, task.segment, self.holder, ends)
        claim = SegmentRecord(work=task.work, segment=task.segment, holder=self.holder)
        try:
            self.log.hold_segment(control, claim, lease)
        except ConditionFailedError as error:
            # The gate says it in the right words when owner or stop flag are the reason.
            self.gate.admit(task.run, task.owner)
            reason = "the phase is past it" if 0 in error.failed else "another run may write there"
            raise NotOwnerError(
                f"segment {task.segment} of {task.run} got no lease to {task.work}: {reason}",
                hint="watch the migration that goes on; this execution can not",
            ) from error
        record = self._checkpointed()
        record.invocations += 1
        record.failure = None
        record.started_at = record.started_at or self.now()
        record.progress_at = record.progress_at or self.now()
        self.hook("segment held", segment=task.segment)
        return record, lease

    def _work(self, scan: Scan, handle: Callable[[Page], Counts], record: SegmentRecord) -> bool:
        progress = Progress(self.stall_seconds, record.progress_at, self.now)
        self.watch = Watch(self.gate, self.task.run, self.task.owner)
        self.retrier = Retrier(self.deadline, progress, self.watch.look)
        # Leaving the block joins every thread: a sandbox must not freeze with a request half made.
        with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(WRITE_THREADS) as self.pool:
            for page in self._pages(scan, reader, record):
                began = self.now()
                self.hook("page read", page=page)
                counts = handle(page)
                counts.read_units += page.units
                self.hook("page written", page=page)
                self._checkpoint(
                    record, page, counts, seconds=self.now() - began, progress=progress
                )
                self.hook("checkpoint written", page=page)
        return True

    def _pages(
        self, scan: Scan, reader: ThreadPoolExecutor, record: SegmentRecord
    ) -> Iterator[Page]:
        """Pages from the checkpoint on; the next one is read while the current one is handled."""
        number, start = record.pages, record.last_key
        ahead: Future[Page] = reader.submit(self._read, scan, number, start)
        while True:
            page = ahead.result()
            if page.last_key is not None:
                ahead = reader.submit(self._read, scan, page.number + 1, page.last_key)
            yield page
            if page.last_key is None:
                return

    def _read(self, scan: Scan, number: int, start: dict[str, Any] | None) -> Page:
        body = {
            "TableName": scan.table,
            "Segment": self.task.segment,
            "TotalSegments": self.task.segments,
            "ReturnConsumedCapacity": "TOTAL",
            **scan.request,
        }
        if start is not None:
            body["ExclusiveStartKey"] = start
        answer = self.retrier.call(
            lambda: _scan_answers.decode(scan.client.call("Scan", body)),
            operation="Scan",
            table=scan.table,
        )
        units = answer.consumed_capacity.capacity_units if answer.consumed_capacity else 0.0
        return Page(answer.items, answer.count, number, answer.last_evaluated_key, units)

    def _checkpoint(
        self,
        record: SegmentRecord,
        page: Page,
        counts: Counts,
        *,
        seconds: float,
        progress: Progress,
    ) -> None:
        counts.throttled += progress.take_throttled()
        record.counts.add(counts)
        record.pages = page.number + 1
        record.last_key = page.last_key
        record.done = page.last_key is None
        record.page_seconds += seconds
        record.slowest_page_seconds = max(record.slowest_page_seconds, seconds)
        record.progress_at = self.now()
        self.log.checkpoint(self.task.run, record)

    def _record_failure(self, record: SegmentRecord, name: str, cause: str, hint: str) -> None:
        record.failure = Failure(name, cause[:8000], hint[:2000], self.now())
        try:
            self.log.checkpoint(self.task.run, record)
        except NotOwnerError:
            # Another worker holds the segment: its story counts, and the first error is raised
            # anyway.
            return
