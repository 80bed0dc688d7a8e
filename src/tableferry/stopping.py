"""Giving a migration up: no execution may go on with it, and its destination is free again."""

from typing import Protocol

from tableferry.closing import LeaseLog, Settled, settle_leases
from tableferry.errors import NotFoundError
from tableferry.model import Control


class StopLog(Protocol):
    """The ledger, as far as stopping needs it."""

    def control(self, run: str) -> Control | None: ...

    def mark_stopped(self, run: str) -> None: ...

    def release_writer(self, destination: str, run: str) -> None: ...


def stop_migration(
    log: StopLog, leases: LeaseLog, migration_id: str, margin_seconds: float
) -> Settled:
    """Marks the migration stopped; done once every lease is over and its destination is released.

    Workers see the mark within seconds. From then on redrive and resume fail with
    MigrationStoppedError. Fit to be run again, also after it is done.
    """
    control = log.control(migration_id)
    if control is None:
        raise NotFoundError(
            f"the ledger holds no migration named {migration_id}",
            hint="check the migrationId, and the stack that it ran in",
        )
    log.mark_stopped(migration_id)
    settled = settle_leases(leases, migration_id, margin_seconds)
    if settled.done:
        log.release_writer(control.destination, migration_id)
    return settled
