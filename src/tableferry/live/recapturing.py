"""After a gap: the source is captured anew, and both tables are compared and repaired both ways.

Records were lost, so nothing but content verification tells what is missing, wrong, or too much in
the destination. The new mapping begins at the oldest record that the stream has.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tableferry.live.capturing import STEP, Capture
from tableferry.live.draining import STEP as DRAIN_STEP
from tableferry.live.ending import SyncEnder
from tableferry.ports import StepLog
from tableferry.verification.content_verifying import read_anew


@dataclass(frozen=True, slots=True)
class Recapture:
    """Ends the capture from before the gap, so that the next one begins as the first one did.

    `longest_seconds` after the old mapping is gone no invocation of it can begin to write any more:
    one without a lease yet would take its records for the new mapping's.
    """

    steps: StepLog
    ender: SyncEnder
    longest_seconds: float
    now: Callable[[], float] = time.time

    def look(self, run: str, step: dict[str, Any]) -> Capture:
        """Moves one step on; to be called again until capture is ready."""
        if "mapping" in step and "endedAt" not in step:
            settled = self.ender.end_sync(run)
            if not settled.done:
                wait = settled.wait_seconds
                return Capture(False, "sync from before the gap to end", wait_seconds=wait)
            step = {**step, "endedAt": self.now()}
            self.steps.record_step(run, STEP, step)
        if self.now() <= step.get("endedAt", 0.0) + self.longest_seconds:
            return Capture(False, "late invocations from before the gap to end")
        self.steps.record_step(run, DRAIN_STEP, {"positions": {}})
        read_anew(self.steps, run, after_gap=True)
        self.steps.record_step(run, STEP, {})
        return Capture(False, "the source to be captured anew")
