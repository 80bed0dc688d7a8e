"""Giving a migration up: no execution may go on with it, and its destination is free again."""

from dataclasses import dataclass
from typing import Any, Protocol

from tableferry.errors import NotFoundError
from tableferry.model import Control, Phase
from tableferry.runs.closing import LeaseLog, Settled, settle_leases


class StopLog(Protocol):
    """The ledger, as far as stopping needs it."""

    def control(self, run: str) -> Control | None: ...

    def mark_stopped(self, run: str, ender: str) -> None: ...


class SyncEnd(Protocol):
    """Ends the sync of a live migration; of any other it has nothing to do."""

    def has_sync(self, run: str) -> bool: ...

    def end_sync(self, run: str) -> Settled: ...


@dataclass(frozen=True, slots=True)
class Stopping:
    """How far it is; `sweep` when tombstones may be left in the destination."""

    settled: Settled
    sweep: bool

    def to_json(self) -> dict[str, Any]:
        return {**self.settled.to_json(), "sweep": self.sweep}


def stop_migration(
    log: StopLog,
    leases: LeaseLog,
    migration_id: str,
    ender: str,
    *,
    sync: SyncEnd,
    margin_seconds: float,
) -> Stopping:
    """Marks the migration stopped by `ender` and ends its sync; done once every lease is over.

    Workers see the mark within seconds. From then on redrive and resume fail with
    MigrationStoppedError. Fit to be run again, also after it is done.
    """
    control = log.control(migration_id)
    if control is None:
        raise NotFoundError(
            f"the ledger holds no migration named {migration_id}",
            hint="check the migrationId, and the stack that it ran in",
        )
    log.mark_stopped(migration_id, ender)
    settled = sync.end_sync(migration_id)
    if settled.done:
        settled = settle_leases(leases, migration_id, margin_seconds)
    return Stopping(settled, sync.has_sync(migration_id) and control.phase is not Phase.SYNCED)
