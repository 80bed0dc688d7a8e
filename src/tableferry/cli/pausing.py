"""Pausing: ending the execution, flagging the stop, and seeing every worker hand back."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tableferry.aws.ledger_table import ConditionFailedError
from tableferry.cli.stack import Stack
from tableferry.errors import InvalidSpecError, NotOwnerError, Problem
from tableferry.model import Lease, StopFlag
from tableferry.shown_time import clock

# Workers look at the flag every two seconds (ownership.LOOK_SECONDS); a request in flight may take
# its ten seconds.
HAND_BACK_SECONDS = 30.0
_LOOK_SECONDS = 0.5
_BY = "`tableferry pause`"


@dataclass(frozen=True, slots=True)
class Paused:
    """`held` are the leases that were not handed back: nothing is written after their deadlines."""

    migration_id: str
    execution_arn: str
    held: tuple[Lease, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "migrationId": self.migration_id,
            "status": "PAUSED",
            "executionArn": self.execution_arn,
            "heldLeases": [
                {
                    "work": str(lease.work),
                    "segment": lease.segment,
                    "until": clock(lease.deadline),
                }
                for lease in self.held
            ],
        }

    def lines(self) -> Iterator[str]:
        if not self.held:
            yield f"{self.migration_id}: PAUSED; no worker writes any more"
        else:
            yield f"{self.migration_id}: PAUSED, but {len(self.held)} workers did not hand back:"
        for lease in self.held:
            yield f"  {lease.work} segment {lease.segment} may write until {clock(lease.deadline)}"
        yield f"go on: tableferry resume {self.migration_id}"


@dataclass(frozen=True, slots=True)
class Pauser:
    """Pauses migrations of one stack."""

    stack: Stack
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def pause(self, migration_id: str) -> Paused:
        """Ends the execution that runs and waits until its workers handed back, or time is up.

        Fit to be run again. Raises InvalidSpecError when nothing runs, NotOwnerError when another
        execution took the migration over meanwhile.
        """
        owner = self.stack.migration(migration_id).control.owner
        state = self.stack.executions.describe(owner)
        status = state.status if state else "ABORTED"
        if state is None or status not in {"RUNNING", "ABORTED"}:
            raise InvalidSpecError(
                [
                    Problem(
                        "ID",
                        migration_id,
                        f"is not running: {status}",
                        f"see tableferry status {migration_id}",
                    )
                ]
            )
        if status == "RUNNING":
            self.stack.executions.stop(owner, f"by {_BY}")
        self._flag(migration_id, StopFlag(owner, state.redrive_count, _BY, self.now()))
        return Paused(migration_id, owner, self._held(migration_id))

    def _flag(self, migration_id: str, flag: StopFlag) -> None:
        try:
            self.stack.runs.flag_stop(migration_id, flag)
        except ConditionFailedError as error:
            raise NotOwnerError(
                f"another execution took {migration_id} over meanwhile",
                hint=f"pause again: tableferry pause {migration_id}",
            ) from error

    def _held(self, migration_id: str) -> tuple[Lease, ...]:
        until = self.now() + HAND_BACK_SECONDS
        while True:
            now = self.now()
            leases = self.stack.segments.leases(migration_id)
            held = tuple(lease for lease in leases if lease.deadline > now)
            if not held or now >= until:
                return held
            self.sleep(_LOOK_SECONDS)
