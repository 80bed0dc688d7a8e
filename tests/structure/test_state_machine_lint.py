"""cfn-lint reads a definition only in AWS::StepFunctions::StateMachine: each is put into one."""

import json
from typing import Any

import pytest
from cfnlint.api import Match, lint

from tests.structure import project


def findings(definition: dict[str, Any]) -> list[Match]:
    """What cfn-lint says of a template whose one resource is this state machine."""
    properties = {"RoleArn": {"Ref": "RoleArn"}, "Definition": definition}
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    parameters = {"RoleArn": {"Type": "String"}}
    return lint(json.dumps({"Parameters": parameters, "Resources": {"Machine": machine}}))


@pytest.mark.parametrize("name", project.machine_names())
def test_cfn_lint_finds_nothing_in_the_definition(name: str) -> None:
    assert not findings(project.machine(name))


def test_cfn_lint_does_look_into_the_definition() -> None:
    assert findings({"StartAt": "Nowhere", "States": {"Here": {"Type": "Past", "End": True}}})
