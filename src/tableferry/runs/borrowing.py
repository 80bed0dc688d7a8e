"""A repair borrows the destination of the migration that has its id, and gives it back.

Who has the destination in the ledger is the one run that gets leases to write it. So while a repair
has it, no worker of the migration writes, not even after a redrive; and the migration can be
redriven once it is given back. From a migration that synchronises nothing is borrowed, for sync has
to go on: the repair shares the destination with it, as a repair in the migration itself would, and
its leases lie beside that one's.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

from tableferry.aws.ledger_table import ConditionFailedError
from tableferry.errors import InvalidSpecError, Problem
from tableferry.model import Control, Phase

# In a run's record: the run that it has its destination from.
BORROWED = "borrowedFrom"


class Records(Protocol):
    """The ledger's runs, as far as lending needs them."""

    def record(self, run: str) -> dict[str, Any] | None: ...


class Writers(Protocol):
    """The ledger's writers, as far as giving back needs them."""

    def release_writer(self, destination: str, run: str) -> None: ...

    def writer_of(self, destination: str) -> str | None: ...

    def claim_writer(self, control: Control, replaces: str | None = None) -> None: ...


def lender_of(log: Records, holder: str | None) -> str | None:
    """The migration to which the destination goes back that `holder` has; None if to nobody.

    A repair whose end was never told still holds what it borrowed.
    """
    if holder is None:
        return None
    record = log.record(holder) or {}
    if record.get("mode") == "migrate":
        return holder
    lender: str | None = record.get(BORROWED)
    return lender


def require_lender(lender: Control, *, has_ended: bool, synchronising: bool = False) -> None:
    """Raises InvalidSpecError where a migration can not lend its destination to a repair, or share
    it.
    """
    if not has_ended:
        rule, remedy = "is running", "wait for its end, or pause it"
    elif lender.phase.order < (Phase.SYNCED if synchronising else Phase.CLOSED).order:
        rule, remedy = f"has not finished its copy ({lender.phase})", "redrive it"
    else:
        return
    raise InvalidSpecError([Problem("repair", True, f"the migration {lender.run} {rule}", remedy)])


def is_synchronising(log: Records, lender: Control) -> bool:
    """Whether the migration's sync writes its destination, also after its execution ended."""
    record = log.record(lender.run) or {"steps": {}}
    return "sync" in record["steps"] and not lender.stopped


def give_back(log: Writers, control: Control, record: Mapping[str, Any]) -> None:
    """Frees the run's destination, or gives it back to the migration that lent it."""
    lender = record.get(BORROWED)
    if lender is None:
        log.release_writer(control.destination, control.run)
    elif log.writer_of(control.destination) == control.run:
        with suppress(ConditionFailedError):
            log.claim_writer(replace(control, run=lender), replaces=control.run)
