"""When an invocation must hand back, and when it may no longer sign a request."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tableferry.errors import LeaseExpiredError

# A request that was signed just before the lease's end may run for this long: connect 3 s and
# read 10 s (aws/session.py), with two seconds to spare. It must have ended before the sandbox
# does.
REQUEST_SECONDS = 15.0


class OutOfTimeError(Exception):
    """The invocation's time is up; its worker hands back and is invoked again. Never leaves a
    worker.
    """


@dataclass(frozen=True, slots=True)
class Deadline:
    """Two moments in epoch seconds: hand back from the first, sign nothing from the second.

    The clock is the wall clock, not a monotonic one: a sandbox may freeze for hours, and what
    counts is what AWS's clock, and so everyone else's lease arithmetic, says when it thaws.
    """

    hand_back_at: float
    lease_ends_at: float
    now: Callable[[], float] = time.time

    @classmethod
    def after(cls, remaining_seconds: float, now: Callable[[], float] = time.time) -> "Deadline":
        """The deadline of an invocation with so many seconds left, a reserve for joining kept."""
        reserve = min(REQUEST_SECONDS + 5.0, remaining_seconds * 0.4)
        hand_back_at = now() + remaining_seconds - reserve
        return cls(hand_back_at, hand_back_at + reserve * 0.2, now)

    def check_time(self, ahead_seconds: float = 0.0) -> None:
        if self.now() + ahead_seconds >= self.hand_back_at:
            raise OutOfTimeError

    def check_lease(self) -> None:
        """Raises LeaseExpiredError once nothing may be signed any more (hooked before every
        signature).
        """
        if self.now() >= self.lease_ends_at:
            raise LeaseExpiredError(
                "the lease of this invocation ended before the request was signed",
                hint="nothing is wrong with the data: the segment goes on in another invocation",
            )
