"""One run of an execution: a redrive begins a new run, and only the newest may change the
execution.

Records are MiniStack's execution dicts. Keys that begin with an underscore are the launcher's own:
`_generation` counts runs, `_definition` is the definition the execution started with (a redrive
uses that one), `_position` is the state being run, its input and the variables, `_map_runs` that
state's Map Runs by label.
"""

import json
import threading
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import now_iso
from ministack.services import stepfunctions as sfn

Execution = dict[str, Any]

# AWS Step Functions developer guide, "Service quotas" and "Error names".
MAX_HISTORY_EVENTS = 25_000
REDRIVABLE_STATUSES = ("FAILED", "ABORTED", "TIMED_OUT")

lock = threading.RLock()


class SupersededError(Exception):
    """This run was stopped, or a redrive took its place: it may not touch the execution again."""


@dataclass(frozen=True, slots=True)
class Run:
    """A thread's right to move an execution on."""

    execution: Execution
    generation: int

    @property
    def is_current(self) -> bool:
        is_newest: bool = self.execution["_generation"] == self.generation
        return is_newest and self.execution["status"] == "RUNNING"

    def require_current(self) -> None:
        if not self.is_current:
            raise SupersededError(self.execution["executionArn"])


current: ContextVar[Run | None] = ContextVar("current", default=None)


def begin(execution: Execution) -> Run:
    """A new run of the execution; every earlier one is superseded."""
    with lock:
        generation = execution.get("_generation", 0) + 1
        execution.update(status="RUNNING", stopDate=None, output=None, _generation=generation)
        for key in ("error", "cause"):
            execution.pop(key, None)
        return Run(execution, generation)


def conclude(run: Run, status: str, event: dict[str, Any], **fields: Any) -> bool:
    """End the run with `status` and say whether it was still its to end."""
    with lock:
        if not run.is_current:
            return False
        end(run.execution, status, event, **fields)
        return True


def end(execution: Execution, status: str, event: dict[str, Any], **fields: Any) -> None:
    """End the execution, whoever runs it (StopExecution; a Map Run that gives up); call with the
    lock held.
    """
    execution.update(status=status, stopDate=now_iso(), **fields)
    record(execution, f"Execution{status.capitalize()}", event)


def record(
    execution: Execution, kind: str, details: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Append an event to the history."""
    event = {
        "id": len(execution["events"]) + 1,
        "type": kind,
        "timestamp": now_iso(),
        **(details or {}),
    }
    execution["events"].append(event)
    return event


def add_event(
    execution: Execution, kind: str, details: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Stands in for MiniStack's `_add_event`: refuses the events of a run that was superseded."""
    run = current.get()
    with lock:
        if run is not None and run.execution is execution:
            run.require_current()
            if len(execution["events"]) >= MAX_HISTORY_EVENTS:
                cause = f"the maximum number of history events ({MAX_HISTORY_EVENTS})"
                raise sfn._ExecutionError("States.Runtime", f"The execution reached {cause}.")
        return record(execution, kind, details)


def redrive_fields(execution: Execution) -> dict[str, Any]:
    """What DescribeExecution reports of redrives: count, date, status, and the reason for it."""
    status = execution["status"]
    fields: dict[str, Any] = {"redriveCount": execution.get("redriveCount", 0)}
    if execution.get("redriveDate"):
        fields["redriveDate"] = execution["redriveDate"]
    if status not in REDRIVABLE_STATUSES or len(execution["events"]) >= MAX_HISTORY_EVENTS - 1:
        reason = f"Execution is {status} and cannot be redriven"
        return {**fields, "redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}
    if execution.get("mapRunArn"):
        return {**fields, "redriveStatus": "REDRIVABLE_BY_MAP_RUN"}
    return {**fields, "redriveStatus": "REDRIVABLE"}


def definition_of(execution: Execution) -> dict[str, Any]:
    """The definition the execution started with."""
    if "_definition" not in execution:
        machine = sfn._state_machines.get(execution["stateMachineArn"])
        if machine is None:
            raise sfn._ExecutionError("StateMachineDeleted", "State machine no longer exists")
        execution["_definition"] = machine["definition"]
    definition: dict[str, Any] = json.loads(execution["_definition"])
    return definition
