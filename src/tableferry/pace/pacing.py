"""How fast a worker may use a table: capacity units a second, under a ceiling, slowed by throttles.

Pure: the clock is passed in (a monotonic one), and nothing here sleeps. A request reserves its
units before it is sent, waits until its turn, and settles for what the answer says it consumed, so
that index writes and sizes that were guessed wrong count too.

Without a ceiling the rate doubles within half a second until the first throttle, and then behaves
as DCTCP does in a network: it is cut by half of the share that was refused, comes back to nine
tenths of where it was within a second or two, and probes further in steps that grow while nothing
is refused. One throttled request in a hundred therefore costs little, and a starved table much.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from tableferry.pace.manners import EAGER, GIVE_UP_SECONDS, Manner
from tableferry.pace.window import UsedLately

# Credit for time in which nothing was sent: so much of a budget may go out at once, within what the
# window (window.py) allows, and so much where it is the table that sets the rate.
BURST_SECONDS = 1.0
THROTTLED_BURST_SECONDS = 0.1
JUDGED_SECONDS = 0.25
# Refusals for the account that are no further apart belong together.
ACCOUNT_SECONDS = 5.0
# Nobody sleeps longer than this on one look at the rate: it may have been raised meanwhile.
RECHECK_SECONDS = 0.25
LEAST_WAIT_SECONDS = 0.001
# Below this a batch of 25 takes half a minute: what is left is the retrier's own pausing.
LEAST_UNITS = 1.0


class Scope(Enum):
    """What throttled a request, by DynamoDB's ThrottlingReasons [BC ThrottlingReason]."""

    TABLE = "table"
    KEY_RANGE = "key range"
    ACCOUNT = "account"


def scope_of(reasons: list[str]) -> Scope:
    """The widest scope that the reasons name; a throttle without a reason is the table's."""
    if any("AccountLimit" in reason for reason in reasons):
        return Scope.ACCOUNT
    if reasons and all("KeyRange" in reason for reason in reasons):
        return Scope.KEY_RANGE
    return Scope.TABLE


_RECOVERY = 0.25  # of the way back, in a window
_SLOW_START = 1.4  # times, in a window: doubles in half a second
_MEMORY = 0.25  # weight of the newest window in the smoothed share
_MUCH = 0.1  # with so much refused, what was not is what the table takes
_HOT_SHARE = 0.5  # where more than this is refused for its key range, all that we do is hot


@dataclass(slots=True)
class _Window:
    """What happened since the window began, in units."""

    began: float
    tried: float = 0.0
    refused: float = 0.0
    hot: float = 0.0
    was_held: bool = False

    def refused_share(self, *, spares_hot_keys: bool) -> float:
        if not self.tried:
            return 0.0
        counts = spares_hot_keys or self.refused or self.hot / self.tried > _HOT_SHARE
        hot = self.hot if counts else 0.0
        return min(1.0, (self.refused + hot) / self.tried)


@dataclass(slots=True)
class Pace:
    """One worker's use of one table's reads or writes; every method is safe between threads.

    `ceiling` is in units a second: None without a limit, 0.0 while the worker has no share.
    """

    now: Callable[[], float]
    ceiling: float | None = None
    manner: Manner = EAGER
    consumed: float = 0.0
    _rate: float = field(init=False)
    _reserved: float = 0.0
    _sent: float = 0.0
    _allowed: float = 0.0
    _lately: UsedLately = field(default_factory=UsedLately)
    _at: float = field(init=False)
    _window: _Window = field(init=False)
    _smoothed: float = 0.0
    _knee: float | None = None
    _calm: int = 0
    _held_until: float = 0.0
    _slowed_at: float = float("-inf")
    _cuts: deque[float] = field(default_factory=deque)
    _asked_consumed: float = 0.0
    _asked_held: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self._rate = self.manner.start
        self._at = self.now()
        self._window = _Window(self._at)
        self._lately.change(self._at, self.ceiling or 0.0)

    @property
    def rate(self) -> float:
        """Units a second that may be used now."""
        with self._lock:
            return self._rate if self.ceiling is None else min(self._rate, self.ceiling)

    @property
    def is_unwelcome(self) -> bool:
        """Whether it was throttled again and again, however slow it went."""
        with self._lock:
            since = self.now() - GIVE_UP_SECONDS
            lately = sum(at >= since for at in self._cuts)
            return self.manner.gives_up is not None and lately >= self.manner.gives_up

    def set_ceiling(self, ceiling: float | None) -> None:
        """Takes effect for waiting requests too."""
        with self._lock:
            self._roll()
            if ceiling is not None and self._knee is None:
                # A budget is there to be used; only throttles are a reason to go slower.
                self._rate = max(self._rate, ceiling)
            if self.ceiling is None:
                self._lately.forget()
            self.ceiling = ceiling
            self._lately.change(self.now(), ceiling or 0.0)

    def reserve(self, units: float) -> float:
        """Takes a place in the line for so many units; the answer is what `wait` asks for."""
        with self._lock:
            self._roll()
            turn = self._reserved
            self._reserved += units
            self._window.tried += units
            return turn

    def wait(self, turn: float, units: float) -> float:
        """Seconds to sleep before asking again; 0.0 when the turn has come."""
        with self._lock:
            self._roll()
            lacking = turn - self._allowed
            rate = self.rate
            if lacking <= 0 and rate > 0 and self._takes(units):
                self._sent = max(self._sent, turn + units)
                self._lately.send(units)
                return 0.0
            self._window.was_held = self._asked_held = True
            if rate <= 0:
                return RECHECK_SECONDS
            # Held by the window: until about one request of its size may go.
            seconds = (lacking if lacking > 0 else units) / rate
            return min(RECHECK_SECONDS, max(seconds, LEAST_WAIT_SECONDS))

    def settle(self, reserved: float, consumed: float, *, refused_share: float = 0.0) -> None:
        """Corrects a reservation by what was consumed; `refused_share` of it was throttled.

        What was refused is paid for all the same: it is tries that a pace limits.
        """
        with self._lock:
            correction = consumed - reserved * (1 - refused_share)
            self._reserved += correction
            self._sent += correction
            self.consumed += consumed
            self._lately.settle(self.now(), reserved, consumed)
            self._window.refused += reserved * refused_share

    def throttled(self, reserved: float, scope: Scope) -> None:
        """The whole request was refused; `scope` says what for."""
        with self._lock:
            self._lately.settle(self.now(), reserved, 0.0)
            if scope is Scope.KEY_RANGE:
                self._window.hot += reserved
            elif scope is Scope.TABLE:
                self._window.refused += reserved

    def lost(self, reserved: float) -> None:
        """The request came to nothing that anybody knows of: what it reserved counts as used."""
        with self._lock:
            self._lately.settle(self.now(), reserved, reserved)

    def slow_down(self) -> None:
        """The account as a whole is throttled, by whatever request that was noticed."""
        with self._lock:
            now, knee = self.now(), self._knee or 0.0
            # Requests in flight are refused together: that is one reason, not one for each.
            if now - self._slowed_at < JUDGED_SECONDS:
                return
            self._cut(1.0, now)
            if now - self._slowed_at < ACCOUNT_SECONDS:
                # The same spell: what this table takes is not less for it.
                self._knee = max(knee, self._knee or 0.0)
            self._slowed_at = now

    def take_use(self) -> tuple[float, bool]:
        """Units consumed since this was last asked, and whether anything had to wait for more."""
        with self._lock:
            used, held = self.consumed - self._asked_consumed, self._asked_held
            self._asked_consumed, self._asked_held = self.consumed, False
            return used, held

    def _takes(self, units: float) -> bool:
        return self.ceiling is None or self._lately.takes(self.now(), units)

    # --- the clock ---

    def _roll(self) -> None:
        """Lets time pass: what is allowed grows, and at a window's end the rate changes."""
        now = self.now()
        rate = self.rate
        elapsed = max(0.0, now - self._at)
        self._allowed += rate * elapsed
        is_budget = rate == self.ceiling
        credit = rate * (BURST_SECONDS if is_budget else THROTTLED_BURST_SECONDS)
        self._allowed = min(self._allowed, self._sent + credit)
        self._at = now
        if now - self._window.began >= JUDGED_SECONDS:
            self._judge(self._window, now)
            self._window = _Window(now)

    def _judge(self, window: _Window, now: float) -> None:
        share = window.refused_share(spares_hot_keys=self.manner.spares_hot_keys)
        self._smoothed += (share - self._smoothed) * _MEMORY
        if share > self.manner.tolerated:
            self._cut(share if share > _MUCH else max(share, self._smoothed), now)
        elif share == 0.0:
            self._calm += 1
            if window.was_held and now >= self._held_until:
                self._grow()

    def _cut(self, share: float, now: float) -> None:
        self._calm = 0
        rate = self.rate
        if now >= self._held_until:
            self._knee = rate
            self._held_until = now + self.manner.hold_seconds
            if self.manner.gives_up is not None:
                self._cuts.append(now)
        cut = 1.0 if share > _MUCH else self.manner.cut
        lowered = rate * (1 - max(min(share, 0.9) * cut, self.manner.least_cut))
        self._rate = max(LEAST_UNITS, lowered)

    def _grow(self) -> None:
        if self.ceiling is not None and self._rate >= self.ceiling:
            return
        if self._knee is None:
            self._rate *= _SLOW_START
            return
        near = self._knee * self.manner.back_to
        if self._rate < near:
            self._rate += max((near - self._rate) * _RECOVERY, LEAST_UNITS)
            return
        doublings = max(0, self._calm - self.manner.calm_windows) // 4
        step = min(self.manner.step * 2.0 ** min(doublings, 16), self.manner.largest_step)
        self._rate += max(self._rate * step, self.manner.step * LEAST_UNITS)
