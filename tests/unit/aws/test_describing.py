"""DescribeExecution as workers ask it."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from tableferry.aws.executions import StepFunctionsExecutions
from tableferry.errors import PermissionMissingError, TransientError
from tableferry.runs.ownership import ExecutionState

ARN = "arn:aws:states:us-east-1:123456789012:execution:tableferry-migrate:one"
BEGAN, ENDED = (dt.datetime(2026, 1, day, tzinfo=dt.UTC) for day in (1, 2))


@pytest.fixture
def stubber() -> Iterator[Stubber]:
    retries: Any = {"total_max_attempts": 1}
    session = botocore.session.get_session()
    client = session.create_client("stepfunctions", "us-east-1", config=Config(retries=retries))
    with Stubber(client) as stubber:
        yield stubber


def described(stubber: Stubber) -> ExecutionState | None:
    return StepFunctionsExecutions(stubber.client).describe(ARN)


def answer(**more: Any) -> dict[str, Any]:
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:m"
    return {"executionArn": ARN, "stateMachineArn": machine, "startDate": BEGAN, **more}


def test_an_execution_that_runs_has_no_end(stubber: Stubber) -> None:
    stubber.add_response("describe_execution", answer(status="RUNNING", redriveCount=2))
    assert described(stubber) == ExecutionState(ARN, "RUNNING", 2, started_at=BEGAN.timestamp())


def test_one_that_failed_says_why(stubber: Stubber) -> None:
    said = answer(status="FAILED", error="ItemError", cause="{}", stopDate=ENDED)
    stubber.add_response("describe_execution", said)
    found = described(stubber)
    assert found is not None
    assert (found.error, found.cause, found.redrive_count) == ("ItemError", "{}", 0)
    assert found.ended_at == ENDED.timestamp()


def test_one_that_step_functions_forgot_is_none(stubber: Stubber) -> None:
    stubber.add_client_error("describe_execution", "ExecutionDoesNotExist")
    assert described(stubber) is None


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("ThrottlingException", 400, TransientError),
        ("InternalFailure", 500, TransientError),
        ("AccessDeniedException", 400, PermissionMissingError),
    ],
)
def test_no_answer_is_not_taken_for_one(
    stubber: Stubber, code: str, status: int, expected: type[Exception]
) -> None:
    stubber.add_client_error("describe_execution", code, http_status_code=status)
    with pytest.raises(expected):
        described(stubber)
