"""How much a worker may have used over the last seconds, whatever its machine did meanwhile.

A request counts from its sending until WINDOW_SECONDS after its answer, for nobody knows when in
between the table took it. So the bound holds by the table's clock too, however long a thread, a
process or a proxy was kept from running.
"""

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise

WINDOW_SECONDS = 5.0
# Over the window a worker may use so much more than its ceilings, to make up for lost time.
EXCESS = 0.04
_SLOT_SECONDS = 0.05


@dataclass(slots=True)
class UsedLately:
    """Units in flight and used within the window, against what the ceilings of that time allow."""

    _flying: float = 0.0
    _used: float = 0.0
    # (the moment it ends, units used in it), the oldest first
    _slots: deque[list[float]] = field(default_factory=deque)
    # (the moment from which it holds, units a second)
    _ceilings: deque[tuple[float, float]] = field(default_factory=deque)

    def change(self, now: float, ceiling: float) -> None:
        """From now on so many units a second are allowed."""
        if not self._ceilings or self._ceilings[-1][1] != ceiling:
            self._ceilings.append((now, ceiling))

    def forget(self) -> None:
        """What was used without a ceiling is not held against the first one."""
        self._used = 0.0
        self._slots.clear()
        self._ceilings.clear()

    def send(self, units: float) -> None:
        self._flying += units

    def settle(self, now: float, reserved: float, used: float) -> None:
        """A request that was sent with `reserved` units has used so many."""
        self._flying = max(0.0, self._flying - reserved)
        self._used += used
        if not self._slots or self._slots[-1][0] <= now:
            self._slots.append([now + _SLOT_SECONDS, 0.0])
        self._slots[-1][1] += used

    def takes(self, now: float, units: float) -> bool:
        """Whether a request may be sent now. What is larger than the excess waits until there is
        room without it, or a small ceiling would never be used up for the size of its requests.
        """
        since = now - WINDOW_SECONDS
        while self._slots and self._slots[0][0] <= since:
            self._used -= self._slots.popleft()[1]
        allowed = self._allowed(since, now)
        taken = self._used + self._flying
        return taken <= max(allowed, allowed * (1 + EXCESS) - units)

    def _allowed(self, since: float, now: float) -> float:
        while len(self._ceilings) > 1 and self._ceilings[1][0] <= since:
            self._ceilings.popleft()
        ends = [*self._ceilings, (now, 0.0)]
        return sum(rate * (end - max(begin, since)) for (begin, rate), (end, _) in pairwise(ends))
