"""Ending sync for good, when a migration is given up."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from tableferry.live.capturing import STEP
from tableferry.live.values import SyncLease
from tableferry.runs.closing import Settled, settle

WAIT_SECONDS = 5


class EndedLog(Protocol):
    """The ledger, as far as ending sync needs it."""

    def sync_leases(self, run: str) -> list[SyncLease]: ...

    def release_sync_lease(self, lease: SyncLease) -> None: ...

    def release_source(self, run: str, stream_arn: str) -> None: ...


class Steps(Protocol):
    def step(self, run: str, name: str) -> dict[str, Any] | None: ...


class EndedMappings(Protocol):
    """The sync function's mappings (aws/streams.py)."""

    def get(self, uuid: str) -> Any: ...

    def delete(self, uuid: str) -> None: ...


@dataclass(frozen=True, slots=True)
class SyncEnder:
    """Removes the mapping, waits until it is gone and every batch is over, frees the source.

    The source's stream stays on: whether others read it nobody can tell (docs/operating.md).
    """

    steps: Steps
    log: EndedLog
    mappings: EndedMappings
    margin_seconds: float
    now: Callable[[], float] = time.time

    def has_sync(self, run: str) -> bool:
        """Whether sync was ever begun, so that tombstones may be there."""
        return bool(self.steps.step(run, STEP))

    def end_sync(self, run: str) -> Settled:
        """Whether sync has ended; no effect for a run that has none. Fit to be run again."""
        step = self.steps.step(run, STEP)
        if not step:
            return Settled(True, 0, 0)
        self.mappings.delete(step["mapping"])
        if self.mappings.get(step["mapping"]) is not None:
            return Settled(False, WAIT_SECONDS, 0)
        settled = settle(
            self.log.sync_leases(run), self.log.release_sync_lease, self.margin_seconds, self.now
        )
        if settled.done:
            self.log.release_source(run, step["streamArn"])
        return settled
