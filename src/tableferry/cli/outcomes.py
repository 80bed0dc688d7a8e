"""The outcome of an execution: the contract's document, and the exit status that goes with it."""

import json
import time
from dataclasses import dataclass, replace
from typing import Any

from tableferry.cli.looking import status_of
from tableferry.cli.refusal import error_from
from tableferry.cli.stack import Stack
from tableferry.errors import AccessError, NotFoundError
from tableferry.runs.outcome import failure_of
from tableferry.runs.ownership import ExecutionState
from tableferry.runs.recording import find, link_report, outcome_of

DONE, FAILED, NO_ACCESS = 0, 1, 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """The document, and the exit status of a command that waited for it."""

    document: dict[str, Any]
    exit_status: int


def outcome_of_execution(stack: Stack, execution_arn: str) -> Outcome:
    """The outcome of an execution, also while it runs.

    It comes from the ledger and DescribeExecution, since the event that has a bad end recorded may
    be late. Raises what the first state refused the spec with: such an execution leaves no run.
    """
    state = stack.executions.describe(execution_arn)
    if state is None:
        raise NotFoundError(
            f"Step Functions has no execution {execution_arn} (any more)",
            hint="it keeps them for 90 days",
        )
    if state.status == "SUCCEEDED":
        return Outcome(json.loads(state.output), DONE)
    run = stack.runs.run_of(execution_arn)
    record = stack.runs.record(run) if run else None
    control = stack.runs.control(run) if run else None
    if run is None or record is None or control is None:
        return _without_run(state)
    if control.owner != execution_arn:
        return _of_former_owner(record, state, control.owner)
    shown = replace(state, status=status_of(control, state), ended_at=state.ended_at or time.time())
    found = find(stack.segments, run, record["steps"])
    document = outcome_of(run, record, found, shown)
    if shown.status != "RUNNING":
        link_report(document, stack.outcomes, record)
    # outcome_of names an error only for what FAILED: what was stopped has none.
    return Outcome(document, exit_status_of(document))


def outcome_of_migration(stack: Stack, migration_id: str) -> Outcome:
    """The outcome of a migration: that of the execution that owns it now."""
    migration = stack.migration(migration_id)
    owner = migration.control.owner
    if migration.control.stopped or stack.executions.describe(owner) is None:
        recorded = stack.outcomes.read_outcome(migration_id)
        if recorded is not None:
            return Outcome(recorded, exit_status_of(recorded))
    return outcome_of_execution(stack, owner)


def _without_run(state: ExecutionState) -> Outcome:
    error = failure_of(state, ())
    if error is not None:
        raise error_from(error["name"], error["cause"], error["hint"])
    document = {
        "status": state.status,
        "executionArn": state.arn,
        "seconds": round((state.ended_at or time.time()) - state.started_at, 3),
        "error": None,
    }
    return Outcome(document, exit_status_of(document))


def _of_former_owner(record: dict[str, Any], state: ExecutionState, owner: str) -> Outcome:
    """Another execution continues the migration: this one speaks for itself alone."""
    document = {
        "migrationId": record["spec"]["migrationId"],
        "status": state.status,
        "executionArn": state.arn,
        "seconds": round((state.ended_at or time.time()) - state.started_at, 3),
        "error": failure_of(state, ())
        or {
            "name": "NotOwnerError",
            "cause": f"{owner} continues this migration",
            "hint": "watch that execution",
        },
    }
    return Outcome(document, exit_status_of(document))


def exit_status_of(document: dict[str, Any]) -> int:
    """0 for what succeeded or still runs, 3 where access was refused, 1 for every other end."""
    error = document.get("error")
    if error:
        found = error_from(error["name"], error["cause"], error.get("hint", ""))
        return NO_ACCESS if isinstance(found, AccessError) else FAILED
    return DONE if document.get("status", "SUCCEEDED") in {"SUCCEEDED", "RUNNING"} else FAILED
