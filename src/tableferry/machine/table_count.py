"""Counting a whole table from one process: a parallel scan with the caller's own credentials.

`counting` does it segment by segment in the deployed stack; nothing here needs one.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from tableferry.aws.retrying import Progress, Retrier
from tableferry.aws.wire import ScanAnswer, WireClient, units
from tableferry.deadline import Deadline
from tableferry.errors import ItemError, PermissionMissingError
from tableferry.items import key_of, shown
from tableferry.segments.cutting import segment_count
from tableferry.transform import Transform, condition_reason

# Requests in flight at once; one process does not carry more.
THREADS = 16
# Somebody waits at a shell: the state machine's half an hour would be long.
STALL_SECONDS = 60.0
# So many items that the filter fails on are named, and then the scan ends: it costs money.
MOST_FAILING = 100
_NAMED = 20

_scan_answers = msgspec.json.Decoder(ScanAnswer)


@dataclass(frozen=True, slots=True)
class CountedTable:
    """A table to count; `items` and `size_bytes` are DescribeTable's, some hours old."""

    table_name: str
    key_names: tuple[str, ...]
    items: int
    size_bytes: int
    client: WireClient


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted so far: `items` of the `scanned` ones passed the filter."""

    scanned: int = 0
    items: int = 0
    read_units: float = 0.0
    segments: int = 0
    failing: tuple[tuple[str, str], ...] = ()
    """Keys that the filter fails on, each with the reason."""


class _EndedError(Exception):
    """Another segment ended the count. Never leaves this module."""


@dataclass(slots=True)
class TableCount:
    """One count; `seen` is told after each page, by one thread at a time."""

    table: CountedTable
    transform: Transform | None = None
    consistent: bool = False
    seen: Callable[[Counted], None] = lambda _counted: None
    sleep: Callable[[float], None] = time.sleep
    counted: Counted = field(default_factory=Counted)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> Counted:
        """Counts every segment; raises ItemError, naming the items that the filter fails on."""
        total = segment_count(
            "auto",
            items=self.table.items,
            size_bytes=self.table.size_bytes,
            max_concurrency=THREADS,
        )
        self.counted = replace(self.counted, segments=total)
        retrier = Retrier(
            Deadline(float("inf"), float("inf")),
            Progress(STALL_SECONDS, time.time()),
            self._look,
            sleep=self.sleep,
        )
        with ThreadPoolExecutor(THREADS) as pool:
            parts = [pool.submit(self._segment, retrier, n, total) for n in range(total)]
            try:
                wait(parts, return_when=FIRST_EXCEPTION)
            finally:
                self._ended.set()
                pool.shutdown(cancel_futures=True)
        for part in parts:
            if not part.cancelled():
                part.result()
        self._raise_failing()
        return self.counted

    def _look(self) -> None:
        if self._ended.is_set():
            raise _EndedError

    def _segment(self, retrier: Retrier, segment: int, total: int) -> None:
        body: dict[str, Any] = {
            "TableName": self.table.table_name,
            "Segment": segment,
            "TotalSegments": total,
            "ConsistentRead": self.consistent,
            "ReturnConsumedCapacity": "TOTAL",
        }
        if self.transform is None:
            body["Select"] = "COUNT"
        try:
            while True:
                answer = self._page(retrier, body)
                self._add(answer)
                if answer.last_evaluated_key is None:
                    return
                body = {**body, "ExclusiveStartKey": answer.last_evaluated_key}
        except _EndedError:
            return

    def _page(self, retrier: Retrier, body: dict[str, Any]) -> ScanAnswer:
        def attempt() -> ScanAnswer:
            return _scan_answers.decode(self.table.client.call("Scan", body))

        try:
            return retrier.call(attempt, operation="Scan", table=self.table.table_name)
        except PermissionMissingError as error:
            raise PermissionMissingError(
                error.cause, hint="your credentials need dynamodb:Scan on the table"
            ) from error

    def _add(self, answer: ScanAnswer) -> None:
        items, failing = self._passing(answer)
        with self._lock:
            before = self.counted
            self.counted = replace(
                before,
                scanned=before.scanned + answer.count,
                items=before.items + items,
                read_units=before.read_units + units(answer.consumed_capacity),
                failing=(*before.failing, *failing)[:MOST_FAILING],
            )
            self.seen(self.counted)
            if len(self.counted.failing) == MOST_FAILING:
                self._ended.set()

    def _passing(self, answer: ScanAnswer) -> tuple[int, list[tuple[str, str]]]:
        """How many of the page's items pass the filter, and those that it fails on."""
        if self.transform is None:
            return answer.count, []
        passing, failing = 0, []
        for item in answer.items:
            try:
                passing += self.transform.apply(item) is not None
            except ItemError as error:
                failing.append((shown(key_of(item, self.table.key_names)), condition_reason(error)))
        return passing, failing

    def _raise_failing(self) -> None:
        failing = sorted(self.counted.failing)
        if not failing:
            return
        count = len(failing)
        number = f"{count} or more" if count == MOST_FAILING else str(count)
        lines = [f"{key}: {reason}" for key, reason in failing[:_NAMED]]
        if count > _NAMED:
            lines.append("…")
        raise ItemError(
            f"the filter fails on {number} of {self.counted.scanned:,} items read of "
            f"{self.table.table_name}, so there is no count:\n" + "\n".join(lines),
            hint="let the filter say what to do with such items, "
            "for example {% $type(n) = 'number' and n > 5 %}",
        )
