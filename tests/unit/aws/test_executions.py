"""Step Functions' answers and refusals, as botocore gives them."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from tableferry.aws.executions import StepFunctionsExecutions
from tableferry.errors import PermissionMissingError, RequestRefusedError

ARN = "arn:aws:states:us-east-1:123456789012:execution:tableferry-migrate:one"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:tableferry-migrate"
WHEN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
BEFORE = dt.datetime(2025, 12, 31, tzinfo=dt.UTC)


@pytest.fixture
def stubber() -> Iterator[Stubber]:
    client = botocore.session.get_session().create_client("stepfunctions", "us-east-1")
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def executions(stubber: Stubber) -> StepFunctionsExecutions:
    return StepFunctionsExecutions(stubber.client)


def test_start_sends_the_spec_as_it_is(
    stubber: Stubber, executions: StepFunctionsExecutions
) -> None:
    wanted = {"stateMachineArn": MACHINE, "name": "n", "input": '{"migrationId": "ü"}'}
    stubber.add_response("start_execution", {"executionArn": ARN, "startDate": WHEN}, wanted)
    assert executions.start(MACHINE, "n", {"migrationId": "ü"}) == ARN


@pytest.mark.parametrize("code", ["ExecutionNotRedrivable", "ExecutionDoesNotExist"])
def test_redrive_that_is_not_to_be_had_is_an_answer(
    stubber: Stubber, executions: StepFunctionsExecutions, code: str
) -> None:
    stubber.add_client_error("redrive_execution", code)
    assert executions.redrive(ARN) is False


def test_redrive_and_its_other_refusals(
    stubber: Stubber, executions: StepFunctionsExecutions
) -> None:
    stubber.add_response("redrive_execution", {"redriveDate": WHEN}, {"executionArn": ARN})
    assert executions.redrive(ARN) is True
    stubber.add_client_error("redrive_execution", "AccessDeniedException")
    with pytest.raises(PermissionMissingError, match="states:RedriveExecution"):
        executions.redrive(ARN)
    stubber.add_client_error("redrive_execution", "ExecutionLimitExceeded")
    with pytest.raises(RequestRefusedError):
        executions.redrive(ARN)


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_token_that_nothing_waits_for(
    stubber: Stubber, executions: StepFunctionsExecutions, code: str
) -> None:
    stubber.add_client_error("send_task_success", code)
    assert executions.approve("token") is False


def event(number: int, kind: str, **details: Any) -> dict[str, Any]:
    return {"id": number, "type": kind, "timestamp": WHEN, **details}


def test_history_comes_whole_and_without_payloads(
    stubber: Stubber, executions: StepFunctionsExecutions
) -> None:
    asked = {"executionArn": ARN, "includeExecutionData": False, "maxResults": 1000}
    first = event(1, "TaskStateEntered", stateEnteredEventDetails={"name": "CleanUp"})
    failed = {"resourceType": "lambda", "resource": "invoke", "error": "ItemError", "cause": "c"}
    second = event(2, "TaskFailed", taskFailedEventDetails=failed)
    third = event(3, "ExecutionRedriven", executionRedrivenEventDetails={"redriveCount": 1})
    page = {"events": [first, second], "nextToken": "more"}
    stubber.add_response("get_execution_history", page, asked)
    stubber.add_response(
        "get_execution_history", {"events": [third]}, {**asked, "nextToken": "more"}
    )
    found = list(executions.history(ARN))
    assert [(each.kind, each.state, each.error) for each in found] == [
        ("TaskStateEntered", "CleanUp", ""),
        ("TaskFailed", "", "ItemError"),
        ("ExecutionRedriven", "", ""),
    ]
    assert found[0].at == WHEN.timestamp()


def test_map_runs_come_in_order_by_their_labels(
    stubber: Stubber, executions: StepFunctionsExecutions
) -> None:
    arn = "arn:aws:states:us-east-1:123456789012:mapRun:tableferry-migrate/Copy:1-2"
    run = {"executionArn": ARN, "mapRunArn": arn, "stateMachineArn": MACHINE, "startDate": WHEN}
    other = {**run, "mapRunArn": arn.replace("Copy:1", "Clean:1"), "startDate": BEFORE}
    other["stopDate"] = WHEN
    stubber.add_response("list_map_runs", {"mapRuns": [run, other]}, {"executionArn": ARN})
    found = executions.map_runs(ARN)
    assert [(each.label, each.is_over) for each in found] == [("Clean", True), ("Copy", False)]
