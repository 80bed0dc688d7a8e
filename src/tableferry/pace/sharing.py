"""How the workers that really run divide a budget among themselves, through one ledger record.

Shares are fractions of the budget, so a new budget takes effect in every worker without a word
between them. A worker never takes more than what is free in the record, which it changes on
condition that nobody else did: the shares never add up to more than the whole, whatever comes and
goes. What one can not use the others get; who is new gets what is free, and within a renewal its
even share. A share that is not renewed ends by itself.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from tableferry.aws.ledger_table import ConditionFailedError
from tableferry.errors import TableferryError
from tableferry.limits import Share, Shares
from tableferry.model import Work

RENEW_SECONDS = 2.0
# One record bears some 20 writes a second well: 40 workers renew every 2 s, 1,000 every 50 s.
RENEWALS_PER_SECOND = 20.0
# Until a worker that was killed is missed.
MISSED_RENEWALS = 3.0
# Who has no share yet looks again this soon.
HUNGRY_SECONDS = 0.5
# What a worker may grow by until its next renewal, when its share was more than it could use.
HEADROOM = 1.5
LEAST_WANT = 0.02
_TRIES = 6


class ShareLog(Protocol):
    """The record of one work's shares, by worker."""

    def shares(self, run: str, work: Work) -> tuple[dict[str, Share], int]: ...

    def put_shares(self, run: str, work: Work, shares: Shares, version: int) -> None: ...


def even_level(wants: Iterable[float]) -> float:
    """The most that anyone may have so that all have what they want, up to that, of a whole of
    1.
    """
    rest, waiting = 1.0, sorted(wants)
    while waiting:
        even = rest / len(waiting)
        if waiting[0] > even:
            return even
        rest -= waiting.pop(0)
    return 1.0


def share_of(want: float, others: Iterable[Share], now: float) -> float:
    """What a worker that could use `want` may have, beside the live shares of the others."""
    live = [share for share in others if share.until > now]
    free = max(0.0, 1.0 - sum(share.fraction for share in live))
    return min(want, even_level([want, *(share.want for share in live)]), free)


@dataclass(slots=True)
class Sharer:
    """One worker's share; `holder` names the worker, `expected` says how many there may be.

    `fraction` is 0.0 before the first renewal, and once the share ran out unrenewed.
    """

    log: ShareLog
    run: str
    work: Work
    holder: str
    expected: int
    now: Callable[[], float] = time.time
    _fraction: float = 0.0
    _until: float = 0.0
    _due_at: float = 0.0
    _began: bool = field(default=False)

    @property
    def fraction(self) -> float:
        return self._fraction if self.now() < self._until else 0.0

    @property
    def is_due(self) -> bool:
        return self.now() >= self._due_at

    def renew(self, want: float) -> None:
        """Takes or changes the share; keeps the one it has where the ledger does not let it."""
        want = max(LEAST_WANT, min(1.0, want))
        if not self._began:
            # The others of a Map start at the same moment, and are not in the record yet.
            want = min(want, 1.0 / self.expected)
        self._due_at = self.now() + HUNGRY_SECONDS
        for _ in range(_TRIES):
            try:
                self._renew(want)
                return
            except ConditionFailedError:
                continue
            except TableferryError:
                return

    def leave(self) -> None:
        """Gives the share to whoever comes next; without an answer it ends by itself."""
        self._until = 0.0
        for _ in range(_TRIES):
            try:
                shares, version = self.log.shares(self.run, self.work)
                if shares.pop(self.holder, None) is not None:
                    self.log.put_shares(self.run, self.work, shares, version)
                return
            except ConditionFailedError:
                continue
            except TableferryError:
                return

    def _renew(self, want: float) -> None:
        now = self.now()
        shares, version = self.log.shares(self.run, self.work)
        others = {
            name: share
            for name, share in shares.items()
            if name != self.holder and share.until > now
        }
        fraction = share_of(want, others.values(), now)
        every = max(RENEW_SECONDS, (len(others) + 1) / RENEWALS_PER_SECOND)
        until = now + every * (1 + MISSED_RENEWALS)
        mine = Share(round(fraction, 6), round(want if self._began else 1.0, 6), until)
        self.log.put_shares(self.run, self.work, {**others, self.holder: mine}, version)
        self._fraction, self._until = mine.fraction, until
        self._due_at = now + (every if fraction > 0 else HUNGRY_SECONDS)
        self._began = True
