"""What the permission check asks for is what the template gives; nothing that writes is left."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tableferry.checking.permissions import MACHINE, NEEDS, Need
from tests.structure import project

# What a `Sub` of the template stands for here.
NAMES = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "123456789012",
    "AWS::StackName": "stack",
    "SourceTablePattern": "old-*",
    "DestinationTablePattern": "new-*",
    "ArtifactsBucket.Arn": "arn:aws:s3:::bucket",
    "LedgerTable.Arn": "arn:aws:dynamodb:eu-west-1:123456789012:table/ledger",
}
KEY = "arn:aws:kms:eu-west-1:123456789012:key/one"
OLD = "arn:aws:dynamodb:eu-west-1:123456789012:table/old-orders"
NEW = "arn:aws:dynamodb:eu-west-1:123456789012:table/new-orders"
STATES = "arn:aws:states:eu-west-1:123456789012"
FUNCTION = "arn:aws:lambda:::CopySegmentFunction"
RESOURCES = {
    "source": OLD,
    "destination": NEW,
    "ledger": NAMES["LedgerTable.Arn"],
    "machine": f"{STATES}:stateMachine:stack-migrate",
    "executions": f"{STATES}:execution:stack-migrate/Map:child",
    "functions": FUNCTION,
    "source-key": KEY,
    "destination-key": KEY,
}
# The check can not ask for them: their policies stand under a condition (permissions.py).
NOT_ASKED = {"lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping"}
# The check itself, and what only ends a migration: neither is asked for before a run.
NOT_OF_A_RUN = {"validate_migration", "estimate_migration", "stop_migration", "remove_mappings"}
READING = ("Get", "List", "Describe", "Query", "Scan", "BatchGet", "Decrypt", "Assume")
# Multipart uploads go with PutObject; a grant is asked for by CreateTable itself.
GOES_WITH_ANOTHER = {
    "s3:AbortMultipartUpload",
    "s3:PutObjectAcl",
    "kms:CreateGrant",
    "dynamodb:ConditionCheckItem",
}


def resource_of(need: Need) -> str:
    kind, _, rest = need.on.partition(":")
    if kind == "bucket":
        return f"arn:aws:s3:::bucket/{rest}object"
    if kind in RESOURCES:
        return RESOURCES[kind]
    side, _, part = kind.partition("-")
    return f"{RESOURCES[side]}/{part}/any"


def plain(value: Any) -> str:
    """A resource of a statement as text, with `*` for what is not told apart here."""
    if isinstance(value, str):
        return value
    ((verb, content),) = value.items()
    if verb == "Ref":
        return KEY if content == "TableKeyArnPattern" else "*"
    if verb == "Fn::GetAtt":
        name = content if isinstance(content, str) else ".".join(content)
        if name.endswith("Function.Arn"):
            return f"arn:aws:lambda:::{name.removesuffix('.Arn')}"
        return NAMES.get(name, "?")
    text = str(content)
    for name, found in NAMES.items():
        text = text.replace(f"${{{name}}}", found)
    return text


def statements_of(function: str) -> Iterator[dict[str, Any]]:
    if function == MACHINE:
        machine = project.resources("AWS::Serverless::StateMachine")["MigrateStateMachine"]
        policies = machine["Properties"]["Policies"]
    else:
        name = f"{project.pascal(function)}Function"
        properties = project.resources("AWS::Serverless::Function")[name]["Properties"]
        policies = properties["Policies"]
    managed = project.resources("AWS::IAM::ManagedPolicy")
    for policy in policies:
        if "Ref" in policy:
            policy = managed[policy["Ref"]]["Properties"]["PolicyDocument"]  # noqa: PLW2901
        for statement in policy["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def allows(function: str, action: str, resource: str) -> bool:
    return any(
        action in listed(statement["Action"])
        and any(fnmatchcase(resource, plain(each)) for each in listed(statement["Resource"]))
        for statement in statements_of(function)
    )


@pytest.mark.parametrize("need", NEEDS, ids=lambda need: f"{need.function} {need.on} {need.when}")
def test_the_template_gives_what_is_asked_for(need: Need) -> None:
    for action in need.actions:
        assert allows(need.function, action, resource_of(need)), action


def writing_of(statement: dict[str, Any]) -> set[str]:
    """The actions of a statement that change something, but for those that are not asked."""
    actions = {
        action
        for action in listed(statement["Action"])
        if not action.partition(":")[2].startswith(READING)
        and not action.startswith(("iam:", "states:"))
    }
    return actions - NOT_ASKED - GOES_WITH_ANOTHER


def in_machine() -> list[str]:
    """The functions of the machine that the run itself is checked for."""
    states = {state.name for state in project.states("migrate")}
    return [
        folder
        for folder in project.function_folders()
        if project.pascal(folder) in states and folder not in NOT_OF_A_RUN
    ]


def test_what_is_not_given_would_be_seen() -> None:
    assert not allows("count_segment", "dynamodb:BatchWriteItem", NEW)
    assert not allows("copy_segment", "dynamodb:Scan", NEW.replace("new", "other"))


@pytest.mark.parametrize("folder", in_machine())
def test_every_statement_that_lets_a_function_write_is_asked_for(folder: str) -> None:
    """A statement is shared by functions that use different actions of it: one is asked for."""
    asked = {action for need in NEEDS if need.function == folder for action in need.actions}
    for statement in statements_of(folder):
        writing = writing_of(statement)
        assert not writing or writing & asked, writing


def test_every_writing_action_of_the_template_is_asked_for_somewhere() -> None:
    asked = {action for need in NEEDS for action in need.actions}
    for folder in in_machine():
        for statement in statements_of(folder):
            assert writing_of(statement) <= asked
