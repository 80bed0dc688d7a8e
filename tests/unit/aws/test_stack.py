"""The stack's outputs, and the stack that is not there."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from tableferry.aws.stack import StackOutputs, stack_outputs
from tableferry.errors import NotFoundError, PermissionMissingError

OUTPUTS = {
    "LedgerTableName": "ledger",
    "ArtifactsBucketName": "bucket",
    "MigrateStateMachineArn": "arn:machine",
    "StartMigrationUrl": "https://…",
}


@pytest.fixture
def stubber() -> Iterator[Stubber]:
    client = botocore.session.get_session().create_client("cloudformation", "us-east-1")
    with Stubber(client) as stubber:
        yield stubber


def answer(outputs: dict[str, str]) -> dict[str, Any]:
    listed = [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]
    stack = {
        "StackName": "mine",
        "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
        "StackStatus": "CREATE_IN_PROGRESS",
        "Outputs": listed,
    }
    return {"Stacks": [stack]}


def test_outputs_by_their_names(stubber: Stubber) -> None:
    stubber.add_response("describe_stacks", answer(OUTPUTS), {"StackName": "mine"})
    assert stack_outputs(stubber.client, "mine") == StackOutputs("arn:machine", "bucket", "ledger")


def test_stack_that_is_not_there_is_wrong_input(stubber: Stubber) -> None:
    stubber.add_client_error("describe_stacks", "ValidationError")
    with pytest.raises(NotFoundError, match="mine") as caught:
        stack_outputs(stubber.client, "mine")
    assert "TABLEFERRY_STACK" in caught.value.hint


def test_stack_of_somebody_else_is_named_with_what_it_lacks(stubber: Stubber) -> None:
    stubber.add_response("describe_stacks", answer({"LedgerTableName": "x"}))
    with pytest.raises(NotFoundError, match="MigrateStateMachineArn, ArtifactsBucketName"):
        stack_outputs(stubber.client, "mine")


def test_refused_look_is_no_missing_stack(stubber: Stubber) -> None:
    stubber.add_client_error("describe_stacks", "AccessDenied")
    with pytest.raises(PermissionMissingError):
        stack_outputs(stubber.client, "mine")
