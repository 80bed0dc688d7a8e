"""The spine of every segment worker: hold the segment, read pages ahead, checkpoint, hand back.

What is done with a page is the caller's (`copying`, `cleaning`, `counting`); that a page counts
only after its writes are durable, that nothing is written without a lease, and that every thread
is joined before the invocation returns, is decided here once.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from tableferry.aws.retrying import Progress, Retrier
from tableferry.aws.wire import ScanAnswer, WireClient, units
from tableferry.deadline import Deadline, OutOfTimeError
from tableferry.errors import LeaseExpiredError, TableferryError
from tableferry.items import WireItem
from tableferry.model import Counts, Failure, SegmentRecord
from tableferry.pace.tolls import Pacer
from tableferry.runs.ownership import Gate, Watch
from tableferry.segments.holding import Hold, SegmentLog, SegmentTask
from tableferry.segments.metering import Meter, Report, no_report
from tableferry.segments.overlapping import Pending, Span
from tableferry.segments.turns import begin_turn, end_turn, shrink_pages

_scan_answers = msgspec.json.Decoder(ScanAnswer)

# How many batches of one worker are in flight at once; a page of 1 MB holds some 100 batches.
WRITE_THREADS = 16
# Time is up: the worker hands back, and the next invocation goes on from the checkpoint.
HAND_BACK_ERRORS = (OutOfTimeError, LeaseExpiredError)


class Hook(Protocol):
    """Told of each named moment; does nothing in production. Tests block, kill or change data
    there.
    """

    def __call__(self, moment: str, **facts: Any) -> None: ...


def no_hook(moment: str, **facts: Any) -> None:
    """The hook of production."""


@dataclass(frozen=True, slots=True)
class Page:
    """One scan page; `items` is empty for a count."""

    items: list[WireItem]
    count: int
    number: int
    last_key: dict[str, Any] | None
    units: float


@dataclass(frozen=True, slots=True)
class Scan:
    """How a worker reads its table: the client, and the parts of the Scan request that it
    chooses.
    """

    client: WireClient
    table: str
    request: dict[str, Any]


Handle = Callable[[Page], Counts | Pending | None]
ReadAhead = Callable[[Page], "Future[Page] | None"]


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
    report: Report = no_report
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    pacer: Pacer | None = None
    retrier: Retrier = field(init=False)
    watch: Watch = field(init=False)
    pool: ThreadPoolExecutor = field(init=False)
    meter: Meter = field(init=False)
    _in_hand: Page | None = field(init=False, default=None)
    _before: tuple[Page, Pending] | None = field(init=False, default=None)
    _span: Span = field(init=False)
    _pages_done: int = field(init=False, default=0)
    _has_begun: bool = field(init=False, default=False)
    _is_ending: bool = field(init=False, default=False)
    _hibernates: bool = field(init=False, default=False)

    def run(self, scan: Scan, handle: Handle) -> bool:
        """Scans the segment until it is done (True) or time is up (False); raises as `hold` does.

        `handle` answers with a page's counts once it is durable; with what is Pending, and the next
        page begins when few writes are left; or with None, and a later page's checkpoint vouches
        for it too. The last page's must be durable.
        """
        return self.hold(lambda record: self.read_pages(scan, handle, record))

    def hold(self, work: Callable[[SegmentRecord], None]) -> bool:
        """Does `work` on the segment's record until it is done (True) or time is up (False).

        Raises what ended the work, after writing it into the ledger: a failed Map says only that
        its threshold was exceeded, so `status` and the outcome name the worker's own error.
        """
        hold = Hold(self.task, self.holder, self.log, self.gate)
        if hold.checkpointed().done:
            return True
        with hold.leased(self.deadline, self._is_answer_missing) as record:
            begin_turn(record, self.task, self.gate, self.now())
            self.hook("segment held", segment=self.task.segment)
            return self._try(work, record)

    def answer(self, done: bool) -> dict[str, Any]:
        """What the Map's child is told: whether the segment is done, or should hibernate."""
        return {"done": done, "hibernate": self._hibernates}

    def _is_answer_missing(self) -> bool:
        return self._has_begun and self.retrier.progress.is_answer_missing

    def end_soon(self) -> None:
        """Lets no further attempt begin: something failed, and every thread is to be joined."""
        self._is_ending = True

    def _try(self, work: Callable[[SegmentRecord], None], record: SegmentRecord) -> bool:
        try:
            self._work(work, record)
            return True
        except HAND_BACK_ERRORS:
            self._hand_back(record)
            return False
        except TableferryError as error:
            self._record_failure(record, error.name, error.cause, error.hint)
            raise
        except Exception as error:
            self._record_failure(record, type(error).__name__, str(error), "this is a defect")
            raise

    def _work(self, work: Callable[[SegmentRecord], None], record: SegmentRecord) -> None:
        progress = Progress(self.stall_seconds, self.now() - record.silent_seconds, self.now)
        self.watch = Watch(self.gate, self.task.run, self.task.owner)
        tolls = self.pacer.tolls if self.pacer else None
        self.retrier = Retrier(self.deadline, progress, self._look, self.sleep, tolls=tolls)
        self._has_begun = True
        self.meter = Meter(self.report, progress, self.now)
        # Leaving the block joins every thread: a sandbox must not freeze with a request half made.
        with (
            self.meter,
            self.pacer or nullcontext(),
            ThreadPoolExecutor(WRITE_THREADS) as self.pool,
            self._ending_on_error(),
        ):
            work(record)

    @contextmanager
    def _ending_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.end_soon()
            raise

    def _look(self) -> None:
        if self._is_ending:
            raise OutOfTimeError
        self.watch.look()
        if self.pacer is not None:
            self.pacer.look(self.watch.control)

    def read_pages(self, scan: Scan, handle: Handle, record: SegmentRecord) -> None:
        """The work of `run`, for who needs the record that goes with the next checkpoint."""
        with ThreadPoolExecutor(1) as reader, self._ending_on_error():

            def ahead(page: Page) -> "Future[Page] | None":
                if page.last_key is None:
                    return None
                place = page.number + 1, page.last_key
                return reader.submit(self._read, scan, *place, record.page_items)

            try:
                first = self._read(scan, record.pages, record.last_key, record.page_items)
                self._handle_pages(first, ahead, handle, record=record)
            except (TableferryError, *HAND_BACK_ERRORS):
                # What is durable of the page before need not be done again.
                with suppress(TableferryError, *HAND_BACK_ERRORS):
                    self._finish_before(record)
                raise

    def _handle_pages(
        self, page: Page, read: ReadAhead, handle: Handle, *, record: SegmentRecord
    ) -> None:
        """Each page is handled when few writes of the one before are left, and the one after it is
        read once that one's checkpoint is written: two at most are to be done again after a kill.
        """
        self._span = Span(self.now())
        ahead = read(page)
        while True:
            self._in_hand = page
            self.hook("page read", page=page)
            handled = handle(page)
            if self._finish_before(record):
                ahead = read(page)
            self._span.read_units += page.units
            if isinstance(handled, Pending):
                self._before = page, handled
                handled.until_few_left()
            elif handled is not None:
                self._written(record, page, handled)
            if ahead is None:
                break
            page = ahead.result()
            ahead = None if self._before else read(page)
        self._finish_before(record)

    def _finish_before(self, record: SegmentRecord) -> bool:
        """Waits for the page before, if its writes are under way, and writes its checkpoint."""
        before, self._before = self._before, None
        if before is None:
            return False
        self._written(record, before[0], before[1].finish())
        return True

    def _written(self, record: SegmentRecord, page: Page, counts: Counts) -> None:
        """Everything up to `page` is durable: the checkpoint says so."""
        counts.read_units += self._span.read_units
        self.hook("page written", page=page)
        record.pages = page.number + 1
        record.grow_pages()
        record.last_key = page.last_key
        record.done = page.last_key is None
        self.checkpoint(record, counts, seconds=self.now() - self._span.began)
        self.hook("checkpoint written", page=page)
        self._span = Span(self.now())

    def _read(self, scan: Scan, number: int, start: dict[str, Any] | None, most_items: int) -> Page:
        body = {
            "TableName": scan.table,
            "Segment": self.task.segment,
            "TotalSegments": self.task.segments,
            "ReturnConsumedCapacity": "TOTAL",
            **scan.request,
        }
        if start is not None:
            body["ExclusiveStartKey"] = start
        if self.pacer is not None:
            most_items = self.pacer.largest_page(most_items)
        if most_items:
            body["Limit"] = most_items
        answer = self.retrier.call(
            lambda: _scan_answers.decode(scan.client.call("Scan", body)),
            operation="Scan",
            table=scan.table,
            # Each invocation reads its page again: what counts is the checkpoint behind it.
            is_progress=lambda _: False,
        )
        consumed = units(answer.consumed_capacity)
        if self.pacer is not None:
            self.pacer.saw_page(answer.count, consumed)
        return Page(answer.items, answer.count, number, answer.last_evaluated_key, consumed)

    def checkpoint(self, record: SegmentRecord, counts: Counts, *, seconds: float) -> None:
        """Writes what became durable in so many seconds; the record says where to go on."""
        counts.throttled += self.retrier.progress.take_throttled()
        record.counts.add(counts)
        record.page_seconds += seconds
        record.slowest_page_seconds = max(record.slowest_page_seconds, seconds)
        record.progress_at = self.now()
        record.silent_seconds = 0.0
        self.log.checkpoint(self.task.run, record)
        self.retrier.progress.made()
        self.meter.add(counts)
        self._pages_done += 1

    def _hand_back(self, record: SegmentRecord) -> None:
        self._hibernates = self.pacer is not None and self.pacer.tolls.is_unwelcome
        end_turn(record, self.retrier.progress.silent_seconds, self.now(), self._hibernates)
        if self._in_hand is not None and self._pages_done == 0:
            shrink_pages(record, self._in_hand.count)
        self.log.checkpoint(self.task.run, record)

    def _record_failure(self, record: SegmentRecord, name: str, cause: str, hint: str) -> None:
        record.failure = Failure(name, cause[:8000], hint[:2000], self.now())
        # Whoever redrives gets the whole time again, however long ago this was.
        record.silent_seconds = 0.0
        # Another worker may hold the segment, or the ledger not answer; the error itself is raised.
        with suppress(TableferryError):
            self.log.checkpoint(self.task.run, record)
