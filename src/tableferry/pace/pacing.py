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
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from tableferry.pace.window import UsedLately

# Credit for time in which nothing was sent: so much may go out at once, and of the rest so much
# again is made up for, half as fast again as the rate. The window (window.py) bounds both.
BURST_SECONDS = 0.1
CATCH_UP = 0.5
CATCH_UP_SECONDS = 1.0
JUDGED_SECONDS = 0.25
# Nobody sleeps longer than this on one look at the rate: it may have been raised meanwhile.
RECHECK_SECONDS = 0.25
# A worker without a ceiling begins here: a new on-demand table takes 4,000 writes a second.
START_UNITS = 1000.0
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


@dataclass(frozen=True, slots=True)
class Manner:
    """How a pace takes throttles.

    `tolerated`: the share of refused units that is no reason to slow down. `cut`: how much of the
    refused share the rate is lowered by. `least_cut`: lowered by that at least. `hold_seconds`: how
    long it stays lowered. `back_to`: the part of the former rate that it comes back to quickly.
    `step`: how much of its rate it grows by in a window beyond that.
    """

    tolerated: float = 0.02
    cut: float = 0.5
    least_cut: float = 0.0
    hold_seconds: float = 0.0
    back_to: float = 0.9
    step: float = 0.01


EAGER = Manner()
# Whoever is nice leaves a tenth to the others, and finds out about more once a minute.
NICE = Manner(tolerated=0.0, cut=0.5, least_cut=0.4, hold_seconds=10.0, back_to=0.8, step=0.0005)

_RECOVERY = 0.25  # of the way back, in a window
_SLOW_START = 1.4  # times, in a window: doubles in half a second
_MEMORY = 0.25  # weight of the newest window in the smoothed share
_CALM_WINDOWS = 20  # without a refusal, then steps double every 4 windows
_LARGEST_STEP = 0.25
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

    def refused_share(self) -> float:
        if not self.tried:
            return 0.0
        hot = self.hot if self.refused or self.hot / self.tried > _HOT_SHARE else 0.0
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
    _rate: float = START_UNITS
    _reserved: float = 0.0
    _sent: float = 0.0
    _allowed: float = 0.0
    _behind: float = 0.0
    _lately: UsedLately = field(default_factory=UsedLately)
    _at: float = field(init=False)
    _window: _Window = field(init=False)
    _smoothed: float = 0.0
    _knee: float | None = None
    _calm: int = 0
    _held_until: float = 0.0
    _asked_consumed: float = 0.0
    _asked_held: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self._at = self.now()
        self._window = _Window(self._at)
        self._lately.change(self._at, self.ceiling or 0.0)

    @property
    def rate(self) -> float:
        """Units a second that may be used now."""
        with self._lock:
            return self._rate if self.ceiling is None else min(self._rate, self.ceiling)

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
            return min(RECHECK_SECONDS, (lacking if lacking > 0 else units) / rate)

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
            else:
                self._window.refused += reserved
            if scope is Scope.ACCOUNT:
                self._smoothed = 1.0

    def lost(self, reserved: float) -> None:
        """The request came to nothing that anybody knows of: what it reserved counts as used."""
        with self._lock:
            self._lately.settle(self.now(), reserved, reserved)

    def slow_down(self) -> None:
        """The account as a whole is throttled, by whatever request that was noticed."""
        with self._lock:
            self._smoothed = 1.0
            self._cut(1.0, self.now())

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
        made_up = min(self._behind, rate * elapsed * CATCH_UP)
        self._allowed += rate * elapsed + made_up
        lost = max(0.0, self._allowed - self._sent - rate * BURST_SECONDS)
        self._allowed -= lost
        self._behind = min(self._behind - made_up + lost, rate * CATCH_UP_SECONDS)
        self._at = now
        if now - self._window.began >= JUDGED_SECONDS:
            self._judge(self._window, now)
            self._window = _Window(now)

    def _judge(self, window: _Window, now: float) -> None:
        share = window.refused_share()
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
        doublings = max(0, self._calm - _CALM_WINDOWS) // 4
        step = min(self.manner.step * 2.0 ** min(doublings, 16), _LARGEST_STEP)
        self._rate += max(self._rate * step, self.manner.step * LEAST_UNITS)
