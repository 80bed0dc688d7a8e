"""Ending a phase: nobody takes a lease any more, and every lease that was taken is over."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from tableferry.aws.ledger_table import ConditionFailedError
from tableferry.errors import NotOwnerError
from tableferry.model import Control, Lease, Phase

# The state machine asks again after so long at the latest, so that a released lease is seen soon.
LONGEST_WAIT_SECONDS = 20


class Expiring(Protocol):
    """A lease, as far as its end goes."""

    @property
    def deadline(self) -> float: ...


AnyLease = TypeVar("AnyLease", bound=Expiring)


class PhaseLog(Protocol):
    """The ledger's phases, as far as closing needs them."""

    def advance(self, run: str, owner: str, old: Phase, new: Phase) -> None: ...

    def control(self, run: str) -> Control | None: ...


class LeaseLog(Protocol):
    """The ledger's leases, as far as closing needs them."""

    def leases(self, run: str) -> list[Lease]: ...

    def release(self, lease: Lease) -> None: ...


@dataclass(frozen=True, slots=True)
class Settled:
    """Whether every lease is over; if not, when to ask again, in seconds."""

    done: bool
    wait_seconds: int
    leases: int

    def to_json(self) -> dict[str, bool | int]:
        return {"done": self.done, "waitSeconds": self.wait_seconds, "leases": self.leases}


def enter_phase(log: PhaseLog, control: Control, new: Phase) -> None:
    """Moves the run forward to `new`; no effect when it is there or beyond, so it may be run
    again.
    """
    while control.phase.order < new.order:
        try:
            log.advance(control.run, control.owner, control.phase, new)
            return
        except ConditionFailedError as error:
            found = log.control(control.run)
            if found is None or found.owner != control.owner:
                raise NotOwnerError(
                    f"{control.run} has another owner by now",
                    hint="watch the execution that continues this migration",
                ) from error
            control = found


def settle(
    leases: Iterable[AnyLease],
    release: Callable[[AnyLease], None],
    margin_seconds: float,
    now: Callable[[], float] = time.time,
) -> Settled:
    """Whether these leases are over: released, or past their deadline by the margin.

    The margin is for requests in flight: AWS accepts a signature for five minutes, and nothing is
    signed after the deadline. Call it only when no such lease can be taken any more.
    """
    alive = []
    for lease in leases:
        over_at = lease.deadline + margin_seconds
        if over_at <= now():
            release(lease)
        else:
            alive.append(over_at)
    if not alive:
        return Settled(True, 0, 0)
    remaining = int(max(alive) - now()) + 1
    return Settled(False, max(1, min(remaining, LONGEST_WAIT_SECONDS)), len(alive))


def settle_leases(
    log: LeaseLog, run: str, margin_seconds: float, now: Callable[[], float] = time.time
) -> Settled:
    """Whether every lease of the run's workers is over."""
    return settle(log.leases(run), log.release, margin_seconds, now)
