"""Executions of the state machine: DescribeExecution for workers, the rest for the CLI."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tableferry.aws.refusals import translated
from tableferry.errors import RequestRefusedError
from tableferry.runs.ownership import ExecutionState

# An execution that ended more than 14 days ago, or whose history is full, is refused with the
# first; one that Step Functions forgot (90 days) with the second [BC RedriveExecution].
_NOT_REDRIVABLE = frozenset({"ExecutionNotRedrivable", "ExecutionDoesNotExist"})
# What SendTaskSuccess says of a token that nothing waits for any more [BC SendTaskSuccess].
_TOKEN_IS_OVER = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
_HISTORY_PAGE = 1000


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """One event of an execution's history; `state` is the name in events that enter or leave a
    state, `error` and `cause` what a failure says.
    """

    kind: str
    at: float
    state: str = ""
    error: str = ""
    cause: str = ""

    @classmethod
    def from_api(cls, event: dict[str, Any]) -> "HistoryEvent":
        details: dict[str, Any] = {}
        for name, value in event.items():
            if name.endswith("EventDetails") and isinstance(value, dict):
                details = value
        return cls(
            kind=event["type"],
            at=event["timestamp"].timestamp(),
            state=details.get("name", ""),
            error=details.get("error") or "",
            cause=details.get("cause") or "",
        )


@dataclass(frozen=True, slots=True)
class MapRun:
    """One run of a distributed Map; a redrive goes on in the same one."""

    arn: str
    label: str
    is_over: bool = False


class StepFunctionsExecutions:
    """Executions as Step Functions tells them."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def describe(self, execution_arn: str) -> ExecutionState | None:
        """The execution's state, None where there is no such execution (history is kept 90
        days).
        """
        try:
            with translated("states:DescribeExecution", execution_arn):
                answer = self._client.describe_execution(executionArn=execution_arn)
        except RequestRefusedError as error:
            if error.code == "ExecutionDoesNotExist":
                return None
            raise
        stopped = answer.get("stopDate")
        return ExecutionState(
            arn=execution_arn,
            status=answer["status"],
            redrive_count=int(answer.get("redriveCount", 0)),
            error=answer.get("error", ""),
            cause=answer.get("cause", ""),
            started_at=answer["startDate"].timestamp(),
            ended_at=stopped.timestamp() if stopped else 0.0,
            output=answer.get("output", ""),
        )

    def start(self, machine_arn: str, name: str, document: dict[str, Any]) -> str:
        """Starts an execution and returns its ARN.

        A request that is repeated because its answer was lost starts nothing twice: name and input
        are the same [BC StartExecution].
        """
        text = json.dumps(document, ensure_ascii=False)
        with translated("states:StartExecution", machine_arn):
            answer = self._client.start_execution(
                stateMachineArn=machine_arn, name=name, input=text
            )
        arn: str = answer["executionArn"]
        return arn

    def stop(self, execution_arn: str, cause: str) -> None:
        """Ends the execution as ABORTED; a redrive can go on with it."""
        with translated("states:StopExecution", execution_arn):
            self._client.stop_execution(executionArn=execution_arn, error="Paused", cause=cause)

    def redrive(self, execution_arn: str) -> bool:
        """Runs again what did not succeed; False where Step Functions can not any more."""
        try:
            with translated("states:RedriveExecution", execution_arn):
                self._client.redrive_execution(executionArn=execution_arn)
        except RequestRefusedError as error:
            if error.code in _NOT_REDRIVABLE:
                return False
            raise
        return True

    def approve(self, task_token: str) -> bool:
        """Lets the state that waits for this token go on; False when nothing waits for it."""
        try:
            with translated("states:SendTaskSuccess", "the state RequestApproval"):
                self._client.send_task_success(taskToken=task_token, output="{}")
        except RequestRefusedError as error:
            if error.code in _TOKEN_IS_OVER:
                return False
            raise
        return True

    def definition(self, execution_arn: str) -> dict[str, Any]:
        """The definition of the machine that the execution runs."""
        with translated("states:DescribeStateMachineForExecution", execution_arn):
            answer = self._client.describe_state_machine_for_execution(executionArn=execution_arn)
        definition: dict[str, Any] = json.loads(answer["definition"])
        return definition

    def history(self, execution_arn: str) -> Iterator[HistoryEvent]:
        """The execution's events from its start, over all its redrives, without their payloads."""
        with translated("states:GetExecutionHistory", execution_arn):
            pages = self._client.get_paginator("get_execution_history").paginate(
                executionArn=execution_arn,
                includeExecutionData=False,
                PaginationConfig={"PageSize": _HISTORY_PAGE},
            )
            for page in pages:
                for event in page["events"]:
                    yield HistoryEvent.from_api(event)

    def map_runs(self, execution_arn: str) -> list[MapRun]:
        """The execution's Map Runs, in the order of their start."""
        with translated("states:ListMapRuns", execution_arn):
            pages = self._client.get_paginator("list_map_runs").paginate(executionArn=execution_arn)
            listed = [run for page in pages for run in page["mapRuns"]]
        listed.sort(key=lambda run: run["startDate"])
        # arn:aws:states:REGION:ACCOUNT:mapRun:MACHINE/LABEL:ID
        return [
            MapRun(arn, arn.rpartition("/")[2].partition(":")[0], is_over="stopDate" in run)
            for run in listed
            for arn in [run["mapRunArn"]]
        ]

    def set_concurrency(self, map_run_arn: str, most: int) -> None:
        """How many children of a Map Run may run at once; those that run go on.

        Raises ValueError for 0, which Step Functions takes for no limit [BC UpdateMapRun].
        """
        if most < 1:
            raise ValueError("a Map Run has one child at once or more")
        with translated("states:UpdateMapRun", map_run_arn):
            self._client.update_map_run(mapRunArn=map_run_arn, maxConcurrency=most)
