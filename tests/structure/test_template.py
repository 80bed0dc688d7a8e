"""The template as data: every function has what belongs to it, and nothing is allowed too much."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.structure import project

FOLDERS = project.function_folders()
PARAMETER_NAME = re.compile(r"([A-Z][a-z0-9]+)+")

# https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
DAYS_TO_REDRIVE = 14

each_function = pytest.mark.parametrize("folder", FOLDERS)


def function(folder: str) -> dict[str, Any]:
    resource = project.resources("AWS::Serverless::Function")[f"{project.pascal(folder)}Function"]
    properties: dict[str, Any] = resource["Properties"]
    return properties


def test_there_are_functions_to_check() -> None:
    assert "copy_segment" in FOLDERS


def test_functions_of_template_and_folders_are_the_same() -> None:
    resources = project.resources("AWS::Serverless::Function")
    assert sorted(resources) == sorted(f"{project.pascal(folder)}Function" for folder in FOLDERS)
    for folder in FOLDERS:
        assert function(folder)["CodeUri"].strip("./") == f"functions/{folder}"


@each_function
def test_function_has_a_handler_of_event_and_context(folder: str) -> None:
    tree = ast.parse((project.FUNCTIONS / folder / "app.py").read_text())
    handlers = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "handler"
    ]
    [handler] = handlers
    assert len(handler.args.args) == 2


@each_function
def test_function_keeps_its_log_for_a_stated_time(folder: str) -> None:
    name = f"{project.pascal(folder)}Function"
    groups = [
        group["Properties"]
        for group in project.resources("AWS::Logs::LogGroup").values()
        if name in _references(group["Properties"]["LogGroupName"])
    ]
    named = _references(function(folder).get("LoggingConfig", {}))
    groups += [
        group["Properties"]
        for logical_id, group in project.resources("AWS::Logs::LogGroup").items()
        if logical_id in named
    ]
    assert groups
    assert all("RetentionInDays" in group for group in groups)


def _references(value: Any) -> set[str]:
    """Logical ids that a value refers to, by Ref, GetAtt or Sub."""
    return {word for text in project.texts_in(value) for word in re.findall(r"\w+", text)}


@each_function
def test_function_has_an_example_event(folder: str) -> None:
    event = json.loads((project.ROOT / "tests" / "events" / f"{folder}.json").read_text())
    assert isinstance(event, dict)


@each_function
def test_function_that_a_machine_calls_gives_a_state_its_name(folder: str) -> None:
    name = project.pascal(folder)
    for machine in project.machine_names():
        states = project.states(machine)
        texts = "\n".join(text for state in states for text in project.texts_in(state.fields))
        if f"${{{name}FunctionArn}}" in texts:
            assert name in {state.name for state in states}


@each_function
def test_function_brings_no_requirements_of_its_own(folder: str) -> None:
    # With one, `sam build` demands the runtime's own Python on the host; the layer has them all.
    assert not list((project.FUNCTIONS / folder).glob("requirements*.txt"))


@each_function
def test_function_states_its_own_permissions(folder: str) -> None:
    assert function(folder)["Policies"]


def test_every_all_resources_permission_says_why() -> None:
    lines = project.TEMPLATE.read_text().splitlines()
    unexplained = [
        number
        for number in _lines_of_all_resources()
        if "#" not in lines[number] and not lines[number - 1].lstrip().startswith("#")
    ]
    assert not [f"line {number + 1}: {lines[number].strip()}" for number in unexplained]


def _lines_of_all_resources() -> Iterator[int]:
    """Line indexes of each `*` under a `Resource` key."""
    pending = [yaml.compose(project.TEMPLATE.read_text(), yaml.SafeLoader)]
    while pending:
        node = pending.pop()
        if isinstance(node, yaml.SequenceNode):
            pending.extend(node.value)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                pending.append(value)
                items = value.value if isinstance(value, yaml.SequenceNode) else [value]
                if key.value == "Resource":
                    yield from (item.start_mark.line for item in items if item.value == "*")


def test_tables_and_buckets_outlive_the_stack() -> None:
    kept = project.resources("AWS::DynamoDB::Table") | project.resources("AWS::S3::Bucket")
    assert kept
    for resource in kept.values():
        assert resource["DeletionPolicy"] == "Retain"
        assert resource["UpdateReplacePolicy"] == "Retain"


def test_ledger_is_on_demand_and_can_be_restored() -> None:
    for table in project.resources("AWS::DynamoDB::Table").values():
        recovery = table["Properties"]["PointInTimeRecoverySpecification"]
        assert recovery["PointInTimeRecoveryEnabled"] is True
        assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"


def test_buckets_are_encrypted_private_and_reached_by_tls_only() -> None:
    policies = [
        policy["Properties"] for policy in project.resources("AWS::S3::BucketPolicy").values()
    ]
    for logical_id, bucket in project.resources("AWS::S3::Bucket").items():
        assert "BucketEncryption" in bucket["Properties"]
        assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
        [policy] = [each for each in policies if each["Bucket"] == {"Ref": logical_id}]
        insecure = {"Bool": {"aws:SecureTransport": "false"}}
        denied = [
            statement
            for statement in policy["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Deny" and statement.get("Condition") == insecure
        ]
        assert [statement["Action"] for statement in denied] == ["s3:*"]


def test_what_people_may_need_later_never_expires() -> None:
    for bucket in project.resources("AWS::S3::Bucket").values():
        for rule in bucket["Properties"]["LifecycleConfiguration"]["Rules"]:
            if "ExpirationInDays" in rule:
                assert rule["ExpirationInDays"] > DAYS_TO_REDRIVE
                for kept in ("snapshots/", "outcomes/", "quarantine/"):
                    assert not kept.startswith(rule["Prefix"])


def test_every_parameter_is_named_and_described_alike() -> None:
    for name, parameter in project.template()["Parameters"].items():
        assert PARAMETER_NAME.fullmatch(name)
        assert parameter["Description"].strip()
        assert "Default" in parameter, "`sam deploy` needs no flags"


def test_outputs_that_scripts_read_are_there_and_described() -> None:
    outputs = project.template()["Outputs"]
    assert {"MigrateStateMachineArn", "ArtifactsBucketName", "LedgerTableName"} <= set(outputs)
    assert all(output["Description"].strip() for output in outputs.values())


def test_layer_is_built_for_the_target_that_the_template_deploys_to() -> None:
    parameters = project.template()["Parameters"]
    build = (project.ROOT / "layer" / "build").read_text()
    makefile = (project.ROOT / "Makefile").read_text()
    runtime = parameters["Runtime"]["Default"]
    architecture = parameters["Architecture"]["Default"]
    assert f"TABLEFERRY_LAYER_PYTHON:-{runtime.removeprefix('python')}}}" in build
    assert f"TABLEFERRY_LAYER_ARCH:-{architecture}}}" in build
    assert f"RUNTIME ?= {runtime}\n" in makefile
    assert f"ARCHITECTURE ?= {architecture}\n" in makefile


def test_layer_is_built_by_its_makefile_and_again_for_another_target() -> None:
    # SAM's cache takes runtimes and architectures into account, not the environment.
    [layer] = project.resources("AWS::Serverless::LayerVersion").values()
    assert layer["Metadata"]["BuildMethod"] == "makefile"
    assert layer["Properties"]["ContentUri"].strip("./") == "layer"
    assert layer["Properties"]["CompatibleRuntimes"] == [{"Ref": "Runtime"}]
    assert layer["Properties"]["CompatibleArchitectures"] == [{"Ref": "Architecture"}]


def test_no_account_is_written_down() -> None:
    files = [project.TEMPLATE, project.ROOT / "samconfig.toml", *project.machine_files()]
    for path in files:
        assert not re.findall(r"(?<![\w.-])\d{12}(?![\w.-])", path.read_text()), path
