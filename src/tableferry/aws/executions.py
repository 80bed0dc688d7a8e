"""Executions of the state machine: DescribeExecution for workers, the rest for the CLI."""

from typing import Any

from tableferry.ownership import ExecutionState


class StepFunctionsExecutions:
    """Executions as Step Functions tells them."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def describe(self, execution_arn: str) -> ExecutionState | None:
        """The execution's state, None where there is no such execution (history is kept 90
        days).
        """
        try:
            answer = self._client.describe_execution(executionArn=execution_arn)
        except self._client.exceptions.ExecutionDoesNotExist:
            return None
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
