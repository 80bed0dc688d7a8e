"""Going on with a migration that ended: by RedriveExecution, or in a new execution."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tableferry.cli.stack import Migration, Stack
from tableferry.cli.starting import start_execution
from tableferry.errors import (
    InvalidSpecError,
    MigrationStoppedError,
    NotFoundError,
    Problem,
    UnreachableError,
)
from tableferry.runs.ownership import ExecutionState
from tableferry.spec import MigrationSpec

# DescribeExecution is eventually consistent [BC DescribeExecution].
_SEEN_SECONDS = 30.0
_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Redriver:
    """Goes on with migrations of one stack."""

    stack: Stack
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def redrive(self, migration_id: str) -> str | None:
        """Has the owner run again what did not succeed; its ARN, None where that can not be had.

        Raises InvalidSpecError while it runs and when it succeeded, MigrationStoppedError when the
        migration was given up.
        """
        migration = self.stack.migration(migration_id)
        state = self._may_go_on(migration)
        stop = migration.control.stop
        if state is None or (stop is not None and stop.is_full):
            return None
        if not self.stack.executions.redrive(state.arn):
            return None
        self._await(state)
        return state.arn

    def continue_anew(self, migration_id: str) -> str:
        """Starts a new execution that goes on from the ledger; its ARN."""
        migration = self.stack.migration(migration_id)
        self._may_go_on(migration)
        document = {**migration.record["spec"], "resume": True}
        return start_execution(self.stack, MigrationSpec.parse(document, import_modules=False))

    def _may_go_on(self, migration: Migration) -> ExecutionState | None:
        control = migration.control
        if control.stopped:
            raise MigrationStoppedError(
                f"{control.run} was given up with `stop`", hint="start again with a new migrationId"
            )
        state = self.stack.executions.describe(control.owner)
        if state is not None and state.status in {"RUNNING", "SUCCEEDED"}:
            does = "runs" if state.status == "RUNNING" else "has succeeded"
            problem = Problem(
                "ID",
                control.run,
                f"{does}: there is nothing to go on with",
                f"see tableferry status {control.run}",
            )
            raise InvalidSpecError([problem])
        return state

    def _await(self, before: ExecutionState) -> None:
        """Until the redrive shows, so that nobody reads the old end as the new one."""
        until = self.clock() + _SEEN_SECONDS
        while True:
            state = self.stack.executions.describe(before.arn)
            if state is not None and state.redrive_count > before.redrive_count:
                return
            if self.clock() >= until:
                raise UnreachableError(
                    f"Step Functions took the redrive of {before.arn} and does not show it",
                    hint="look again in a minute: tableferry status",
                )
            self.sleep(_LOOK_SECONDS)


def not_redrivable(migration_id: str) -> NotFoundError:
    """What `resume` says where RedriveExecution is not to be had."""
    return NotFoundError(
        f"the execution of {migration_id} can not be redriven any more: it ended more than 14 days "
        "ago, or its history is full",
        hint=f"`tableferry redrive {migration_id}` goes on from the ledger in a new execution, as "
        'starting the same spec with "resume": true does',
    )
