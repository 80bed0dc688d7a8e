"""What an invocation of a worker did, told in time for somebody who watches.

The ledger holds what counts. This is for the dashboard, so what was done is told every so often
and at the end, also when the end is an error.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType

from tableferry.aws.retrying import Progress
from tableferry.model import Counts

# A period of the dashboard.
REPORT_SECONDS = 60.0

# What was done since the last report, and how often which of AWS's reasons throttled it.
Report = Callable[[Counts, Mapping[str, int]], None]


def no_report(_counts: Counts, _reasons: Mapping[str, int]) -> None:
    """For a worker that nobody watches."""


@dataclass(slots=True)
class Meter:
    """Adds up what became durable, and reports it while the block runs and when it ends."""

    report: Report
    progress: Progress
    now: Callable[[], float] = time.time
    _done: Counts = field(init=False, default_factory=Counts)
    _reported_at: float = field(init=False)

    def __enter__(self) -> "Meter":
        self._reported_at = self.now()
        return self

    def add(self, counts: Counts) -> None:
        self._done.add(counts)
        if self.now() - self._reported_at >= REPORT_SECONDS:
            self._tell()

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._done.throttled += self.progress.take_throttled()
        self._tell()

    def _tell(self) -> None:
        done, self._done = self._done, Counts()
        self._reported_at = self.now()
        self.report(done, self.progress.take_reasons())
