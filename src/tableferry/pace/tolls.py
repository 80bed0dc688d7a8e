"""What each request of a worker pays: an estimate before it is sent, and what it consumed after.

What a request will cost is learned from the answers, index writes and larger old items included:
the first ones are guessed, and corrected when they are answered.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from tableferry.aws.wire import units
from tableferry.deadline import OutOfTimeError
from tableferry.limits import Budget, Capacity, RunLimits
from tableferry.model import Control, Work
from tableferry.pace.manners import EAGER, NICE, Manner
from tableferry.pace.pacing import Pace, Scope, scope_of
from tableferry.pace.sharing import HEADROOM, LEAST_WANT, ShareLog, Sharer
from tableferry.segments.holding import SegmentTask

READS_SOURCE = frozenset({Work.COPY, Work.COUNT_SOURCE, Work.DIGEST_SOURCE, Work.SEARCH})
READING = frozenset({"Scan", "BatchGetItem", "GetItem"})
# Units of a first Scan page, before one was answered: small, so that a small budget is not drowned.
FIRST_PAGE_UNITS = 16.0
SETTLING_SECONDS = 6.0
_MEMORY = 0.2
_LOOK_SECONDS = 0.1
# What a page may cost at most: so many seconds of what the worker may read.
PAGE_SECONDS = 1.0
_FIRST_PAGE_ITEMS = 100


@dataclass(slots=True)
class Toll:
    """What one request pays, each of its tries anew; `guess` is what it would cost untaught."""

    tolls: "Tolls"
    operation: str
    guess: float
    refused_share: Callable[[Any], float]
    _reserved: float = 0.0
    _turn: float = 0.0

    def begin(self) -> None:
        """Takes a place in the line."""
        self._reserved = self.guess * self.tolls.factor(self.operation)
        self._turn = self._pace.reserve(self._reserved)

    def wait(self) -> float:
        """Seconds to sleep before asking again; 0.0 when the request may be sent."""
        return self._pace.wait(self._turn, self._reserved)

    def fail(self, reasons: list[str] | None) -> None:
        """The request came to nothing; `reasons` say what throttled it, if that was why."""
        if reasons is None:
            self._pace.lost(self._reserved)
            return
        scope = scope_of(reasons)
        self._pace.throttled(self._reserved, scope)
        if scope is Scope.ACCOUNT:
            self.tolls.reads.slow_down()
            self.tolls.writes.slow_down()

    def succeed(self, answer: Any) -> None:
        """Pays what the answer says."""
        refused = self.refused_share(answer)
        capacity = getattr(answer, "consumed_capacity", None)
        consumed = units(capacity) if capacity is not None else self._reserved * (1 - refused)
        self._pace.settle(self._reserved, consumed, refused_share=refused)
        if capacity is not None and refused < 1.0:
            self.tolls.learn(self.operation, consumed / (self.guess * (1 - refused)))

    @property
    def _pace(self) -> Pace:
        return self.tolls.reads if self.operation in READING else self.tolls.writes


@dataclass(slots=True)
class Tolls:
    """The two paces of a worker, and its share of the run's budget; safe between threads.

    Without a budget nothing is written to the ledger: each worker goes on until it is throttled.
    """

    reads: Pace
    writes: Pace
    sharer: Sharer
    now: Callable[[], float]
    _factors: dict[str, float] = field(default_factory=lambda: {"Scan": FIRST_PAGE_UNITS})
    _looking: threading.Lock = field(default_factory=threading.Lock)
    _looked_at: float = float("-inf")
    _used_at: float = field(init=False)
    _began: float = field(init=False)
    _applied: Budget | None = None

    def __post_init__(self) -> None:
        self._began = self._used_at = self.now()

    def toll(self, operation: str, guess: float, refused_share: Callable[[Any], float]) -> Toll:
        return Toll(self, operation, max(guess, 0.5), refused_share)

    def factor(self, operation: str) -> float:
        return self._factors.get(operation, 1.0)

    def learn(self, operation: str, factor: float) -> None:
        known = self._factors.get(operation)
        is_first = known is None or (operation == "Scan" and known == FIRST_PAGE_UNITS)
        weight = 1.0 if is_first or known is None else _MEMORY
        self._factors[operation] = (known or 0.0) * (1 - weight) + factor * weight

    def look(self, budget: Budget) -> None:
        """Applies the budget, and renews the worker's share of it when that is due.

        One thread at a time; the others go on with what holds now.
        """
        now = self.now()
        is_new = budget != self._applied
        if not is_new and now - self._looked_at < _LOOK_SECONDS:
            return
        if not self._looking.acquire(blocking=False):
            return
        try:
            self._looked_at, self._applied = now, budget
            if budget.is_limited and self.sharer.is_due:
                self.sharer.renew(self._want(budget, now))
            fraction = self.sharer.fraction
            self.reads.set_ceiling(_part(budget.read_units, fraction))
            self.writes.set_ceiling(_part(budget.write_units, fraction))
        finally:
            self._looking.release()

    @property
    def is_unwelcome(self) -> bool:
        """Whether a nice worker was throttled again and again, however slow it went."""
        return self.reads.is_unwelcome or self.writes.is_unwelcome

    def behave(self, manner: Manner) -> None:
        self.reads.manner = self.writes.manner = manner

    def leave(self) -> None:
        """The worker is done: others may have its share."""
        if self._applied is not None and self._applied.is_limited:
            self.sharer.leave()

    def _want(self, budget: Budget, now: float) -> float:
        """The part of the budget that the worker could use, with room to grow.

        One that has just begun does not know yet, and nobody gives up more than half at once.
        """
        seconds = max(now - self._used_at, 0.001)
        self._used_at = now
        if not self.reads.consumed + self.writes.consumed:
            self._began = now
        if now - self._began < SETTLING_SECONDS:
            return 1.0
        wants = [LEAST_WANT, self.sharer.fraction / 2]
        for pace, whole in ((self.reads, budget.read_units), (self.writes, budget.write_units)):
            used, was_held = pace.take_use()
            if whole is not None:
                wants.append(1.0 if was_held else used / seconds / whole * HEADROOM)
        return max(wants)


def _part(whole: float | None, fraction: float) -> float | None:
    return None if whole is None else whole * fraction


@dataclass(slots=True)
class Pacer:
    """A worker's pace as its spine sees it: which limits hold, and how large a page may be.

    `limits` are the spec's; those in the control record, set while the run goes on, replace them.
    """

    tolls: Tolls
    limits: RunLimits
    read_from: Capacity
    written_to: Capacity
    _items: int = 0
    _units: float = 0.0

    def look(self, control: Control | None) -> None:
        """Applies the limits that hold now; asked before every attempt.

        Raises OutOfTimeError when it is time to leave the tables to applications for a while.
        """
        limits = control.limits if control and control.limits else self.limits
        self.tolls.behave(NICE if limits.nice else EAGER)
        self.tolls.look(limits.budget(self.read_from, self.written_to))
        if self.tolls.is_unwelcome:
            raise OutOfTimeError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Others may have the worker's share, however its work ended."""
        self.tolls.leave()

    def saw_page(self, items: int, consumed: float) -> None:
        self._items += items
        self._units += consumed

    def largest_page(self, most_items: int) -> int:
        """How many items a page may hold, 0 for any, so that it does not use up the budget for
        longer than PAGE_SECONDS; at most `most_items`.
        """
        rate = self.tolls.reads.ceiling
        if rate is None:
            return most_items
        bound = _FIRST_PAGE_ITEMS
        if self._units:
            bound = max(1, int(rate * PAGE_SECONDS * self._items / self._units))
        return min(bound, most_items or bound)


def pacer_for(
    record: Mapping[str, Any],
    task: SegmentTask,
    *,
    holder: str,
    log: ShareLog,
    control: Control | None = None,
    now: Callable[[], float] = time.monotonic,
) -> Pacer:
    """The pace of a new worker, by the run's record and by what `limit` set in its control record
    since; `holder` is its name among the others.
    """
    since = control.limits if control else None
    limits = since or RunLimits.from_spec(record["spec"]["limits"])
    known = record["steps"].get("keys", {})
    side = "source" if task.work in READS_SOURCE else "destination"
    manner = NICE if limits.nice else EAGER
    expected = max(1, min(limits.max_concurrency, task.segments))
    tolls = Tolls(
        reads=Pace(now, manner=manner),
        writes=Pace(now, manner=manner),
        sharer=Sharer(log, task.run, task.work, holder, expected),
        now=now,
    )
    return Pacer(
        tolls,
        limits,
        read_from=Capacity.from_json(known.get(side, {})),
        written_to=Capacity.from_json(known.get("destination", {})),
    )
