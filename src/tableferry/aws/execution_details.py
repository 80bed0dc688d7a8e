"""What a console shows of executions: payloads of states, counts of Map Runs, children."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tableferry.aws.refusals import translated

MOST_EXECUTIONS = 100
_PAGE = 1000


@dataclass(slots=True)
class StatePayload:
    """The last turn of a state; texts are JSON as the history has it."""

    input: str = ""
    output: str = ""
    error: str = ""
    cause: str = ""

    def to_json(self) -> dict[str, str]:
        return {
            "input": self.input,
            "output": self.output,
            "error": self.error,
            "cause": self.cause,
        }


@dataclass(slots=True)
class _Payloads:
    """The states' payloads as events come by."""

    found: dict[str, StatePayload] = field(default_factory=dict)
    current: str = ""

    def take(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind.endswith("StateEntered"):
            details = event["stateEnteredEventDetails"]
            self.current = details["name"]
            self.found[self.current] = StatePayload(input=details.get("input", ""))
        elif kind.endswith("StateExited"):
            details = event["stateExitedEventDetails"]
            self.found.setdefault(details["name"], StatePayload()).output = details.get(
                "output", ""
            )
        elif kind == "ExecutionRedriven":
            self._forget_error()
        else:
            self._take_error(event)

    def _take_error(self, event: dict[str, Any]) -> None:
        for name, details in event.items():
            if name.endswith("EventDetails") and isinstance(details, dict) and self.current:
                payload = self.found[self.current]
                # The execution's own end repeats the state's error.
                payload.error = details.get("error") or payload.error
                payload.cause = details.get("cause") or payload.cause

    def _forget_error(self) -> None:
        if self.current:
            self.found[self.current].error = self.found[self.current].cause = ""


@dataclass(frozen=True, slots=True)
class ExecutionDetails:
    """Step Functions by its control plane."""

    client: Any

    def newest(self, machine_arn: str) -> list[dict[str, Any]]:
        """The machine's last executions, the newest first."""
        with translated("states:ListExecutions", machine_arn):
            answer = self.client.list_executions(
                stateMachineArn=machine_arn, maxResults=MOST_EXECUTIONS
            )
        found = [_summary(each) for each in answer["executions"]]
        return sorted(found, key=lambda each: -float(each["startedAt"]))

    def input(self, execution_arn: str) -> Any:
        """The execution's input."""
        with translated("states:DescribeExecution", execution_arn):
            answer = self.client.describe_execution(executionArn=execution_arn)
        return json.loads(answer["input"])

    def payloads(self, execution_arn: str) -> dict[str, StatePayload]:
        """Input, output and error of each state that was entered, of its last turn."""
        payloads = _Payloads()
        with translated("states:GetExecutionHistory", execution_arn):
            pages = self.client.get_paginator("get_execution_history").paginate(
                executionArn=execution_arn, PaginationConfig={"PageSize": _PAGE}
            )
            for page in pages:
                for event in page["events"]:
                    payloads.take(event)
        return payloads.found

    def map_run(self, map_run_arn: str) -> dict[str, Any]:
        """Status and counts of a Map Run."""
        with translated("states:DescribeMapRun", map_run_arn):
            answer = self.client.describe_map_run(mapRunArn=map_run_arn)
        return {
            "arn": map_run_arn,
            "status": answer["status"],
            "maxConcurrency": answer["maxConcurrency"],
            "items": answer["itemCounts"],
            "executions": answer["executionCounts"],
            "redriveCount": answer.get("redriveCount", 0),
        }

    def children(self, map_run_arn: str) -> list[dict[str, Any]]:
        """Children of a Map Run, those that failed first, each with input, output and error."""
        with translated("states:ListExecutions", map_run_arn):
            answer = self.client.list_executions(mapRunArn=map_run_arn, maxResults=MOST_EXECUTIONS)
        listed = sorted(answer["executions"], key=lambda each: each["status"] != "FAILED")
        return list(self._described(listed))

    def _described(self, listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for each in listed:
            with translated("states:DescribeExecution", each["executionArn"]):
                found = self.client.describe_execution(executionArn=each["executionArn"])
            texts = {name: found.get(name, "") for name in ("input", "output", "error", "cause")}
            yield _summary(found) | texts


def _summary(found: dict[str, Any]) -> dict[str, Any]:
    ended = found.get("stopDate")
    return {
        "arn": found["executionArn"],
        "name": found["name"],
        "status": found["status"],
        "startedAt": found["startDate"].timestamp(),
        "endedAt": ended.timestamp() if ended else None,
        "redriveCount": found.get("redriveCount", 0),
    }
