"""Who may go on: owner, stop flag, and migrations that were given up."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Never, Protocol

from tableferry.aws.ledger_table import ConditionFailedError
from tableferry.errors import MigrationPausedError, MigrationStoppedError, NotOwnerError
from tableferry.model import Control, StopFlag

# How often a worker reads the control record: often enough to hand back within 5 s of `pause`,
# rare enough that 1,000 workers read one partition 500 times a second (its limit is 3,000).
LOOK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ExecutionState:
    """What DescribeExecution says: status RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED."""

    arn: str
    status: str
    redrive_count: int
    error: str = ""
    cause: str = ""
    started_at: float = 0.0
    ended_at: float = 0.0
    output: str = ""


class Executions(Protocol):
    """Executions of state machines, as far as the rules need them."""

    def describe(self, execution_arn: str) -> ExecutionState | None: ...


class ControlLog(Protocol):
    """The ledger's control records, as far as ownership needs them."""

    def control(self, run: str) -> Control | None: ...

    def clear_stop(self, run: str, flag: StopFlag) -> None: ...

    def flag_stop(self, run: str, flag: StopFlag) -> None: ...


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets an execution go on with a run, or says why not."""

    log: ControlLog
    executions: Executions

    def admit(self, run: str, owner: str) -> Control:
        """The control record, when `owner` may go on: the run's owner, or who ends it.

        Raises NotOwnerError, MigrationStoppedError, and MigrationPausedError while the stop flag
        holds: an execution that was stopped goes on only when DescribeExecution says that it was
        redriven since.
        """
        control = self.log.control(run)
        if control is None:
            raise NotOwnerError(
                f"the ledger holds no run named {run}", hint="start the migration anew"
            )
        if control.stopped_by == owner:
            return control
        if control.owner != owner:
            raise NotOwnerError(
                f"{run} is owned by {control.owner}, not by {owner}",
                hint="another execution continued this migration: watch or redrive that one",
            )
        if control.stopped:
            raise MigrationStoppedError(
                f"{run} was given up with `stop`", hint="start again with a new migrationId"
            )
        if control.stop is None:
            return control
        state = self.executions.describe(owner)
        if _was_redriven(control.stop, state):
            self.log.clear_stop(run, control.stop)
            return control
        raise _paused(run, control.stop)

    def pause(self, run: str, owner: str, by: str, *, is_full: bool, at: float) -> Never:
        """Has every worker of the run hand back, as `tableferry pause` does; raises
        MigrationPausedError, and what `admit` raises where another execution owns the run by now.
        """
        state = self.executions.describe(owner)
        flag = StopFlag(owner, state.redrive_count if state else 0, by, at, is_full)
        try:
            self.log.flag_stop(run, flag)
        except ConditionFailedError:
            self.admit(run, owner)
            raise
        raise _paused(run, flag)


def _paused(run: str, flag: StopFlag) -> MigrationPausedError:
    goes_on = (
        f"`tableferry redrive {run}` goes on from here in a new execution"
        if flag.is_full
        else f"`tableferry resume {run}`, or Redrive in the console, goes on from here"
    )
    return MigrationPausedError(f"{run} was stopped by {flag.by}", hint=goes_on)


def _was_redriven(flag: StopFlag, state: ExecutionState | None) -> bool:
    if state is None or state.arn != flag.execution_arn:
        return False
    return state.status == "RUNNING" and state.redrive_count > flag.redrive_count


class Watch:
    """Asks the gate again every LOOK_SECONDS; shared by the threads of one worker."""

    def __init__(
        self, gate: Gate, run: str, owner: str, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._gate = gate
        self._run = run
        self._owner = owner
        self._now = now
        self._looked_at = now()
        self._lock = threading.Lock()
        self._refused: Exception | None = None
        self.control: Control | None = None
        """What the last look found."""

    def look(self) -> None:
        """Raises what `Gate.admit` raises, in every thread from then on."""
        with self._lock:
            if self._refused is not None:
                raise self._refused
            if self._now() - self._looked_at < LOOK_SECONDS:
                return
            try:
                self.control = self._gate.admit(self._run, self._owner)
            except (NotOwnerError, MigrationStoppedError, MigrationPausedError) as error:
                self._refused = error
                raise
            self._looked_at = self._now()
