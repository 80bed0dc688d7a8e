"""What the tests of the engine's gaps do to an engine: make functions and machines, and wait."""

import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.config import Config

from tableferry.local.deploy import engine_parameters
from tableferry.local.engine import RunningEngine

T = TypeVar("T")

RUNTIME = engine_parameters()["Runtime"]
ROLE = "arn:aws:iam::000000000000:role/any"


class TooLateError(AssertionError):
    """What a test waited for did not happen in time."""


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution that has ended."""

    arn: str
    status: str
    description: dict[str, Any]

    @property
    def output(self) -> Any:
        return json.loads(self.description["output"])

    @property
    def error(self) -> str | None:
        return self.description.get("error")


class Lab:
    """One engine, and `patience`: the seconds a test waits for what should happen at once."""

    def __init__(self, engine: RunningEngine, patience: float) -> None:
        self.engine = engine
        self.patience = patience
        self.dynamodb = self.client("dynamodb")
        self.functions = self.client("lambda")
        self.s3 = self.client("s3")
        self.states = self.client("stepfunctions")

    @property
    def engine_python(self) -> str:
        """The version of the interpreter that runs the functions: `3.11`."""
        return RUNTIME.removeprefix("python")

    def client(self, service: str) -> Any:
        # The stubs have no overload for a name that is not known before.
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=self.engine.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=30),
        )

    def function(self, source: str, **settings: Any) -> str:
        """A function with that source of `app.py`; its name."""
        name = f"f-{uuid.uuid4().hex[:12]}"
        self.functions.create_function(
            FunctionName=name,
            Runtime=RUNTIME,
            Role=ROLE,
            Handler="app.handler",
            Code={"ZipFile": zipped({"app.py": source})},
            **({"Timeout": 10} | settings),
        )
        return name

    def layer(self, files: Mapping[str, str]) -> str:
        name = f"l-{uuid.uuid4().hex[:12]}"
        answer = self.functions.publish_layer_version(
            LayerName=name, Content={"ZipFile": zipped(files)}
        )
        return str(answer["LayerVersionArn"])

    def invoke(self, function: str, event: Any = None) -> Any:
        """What the handler returned."""
        answer = self.functions.invoke(FunctionName=function, Payload=json.dumps(event))
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, payload
        return payload

    def failure(self, function: str, event: Any = None) -> dict[str, Any]:
        """The error document of an invocation that fails."""
        answer = self.functions.invoke(FunctionName=function, Payload=json.dumps(event))
        payload = json.loads(answer["Payload"].read())
        assert answer.get("FunctionError") == "Unhandled", payload
        assert isinstance(payload, dict)
        return payload

    def machine(self, definition: Mapping[str, Any]) -> str:
        answer = self.states.create_state_machine(
            name=f"m-{uuid.uuid4().hex[:12]}", definition=json.dumps(definition), roleArn=ROLE
        )
        return str(answer["stateMachineArn"])

    def start(self, machine: str, machine_input: Any = None) -> str:
        text = json.dumps({} if machine_input is None else machine_input)
        answer = self.states.start_execution(stateMachineArn=machine, input=text)
        return str(answer["executionArn"])

    def run(self, definition: Mapping[str, Any], machine_input: Any = None) -> Execution:
        return self.ended(self.start(self.machine(definition), machine_input))

    def ended(self, arn: str) -> Execution:
        """The execution, once it does not run any more."""

        def description() -> dict[str, Any] | None:
            found: dict[str, Any] = self.states.describe_execution(executionArn=arn)
            return None if found["status"] == "RUNNING" else found

        found = self.until(description)
        return Execution(arn, found["status"], found)

    def history(self, arn: str) -> list[str]:
        events = self.states.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        return [event["type"] for event in events]

    def map_run(self, execution: str) -> dict[str, Any]:
        """DescribeMapRun of the execution's last Map Run."""

        def last() -> str | None:
            found = self.states.list_map_runs(executionArn=execution)["mapRuns"]
            return str(found[-1]["mapRunArn"]) if found else None

        answer: dict[str, Any] = self.states.describe_map_run(mapRunArn=self.until(last))
        return answer

    def children(self, execution: str) -> list[dict[str, Any]]:
        arn = self.map_run(execution)["mapRunArn"]
        listed = self.states.list_executions(mapRunArn=arn)["executions"]
        arns = sorted(child["executionArn"] for child in listed)
        return [self.states.describe_execution(executionArn=arn) for arn in arns]

    def table(self, **settings: Any) -> str:
        """An on-demand table with the string key `id`; its name."""
        name = f"t-{uuid.uuid4().hex[:12]}"
        self.dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            **settings,
        )
        return name

    def bucket(self) -> str:
        name = f"b-{uuid.uuid4().hex[:12]}"
        self.s3.create_bucket(Bucket=name)
        return name

    def text(self, bucket: str, key: str) -> str:
        body: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body.decode()

    def until(self, check: Callable[[], T | None]) -> T:
        """The first result of `check` that is neither None nor False nor empty."""
        deadline = time.monotonic() + self.patience
        while True:
            found = check()
            if found:
                return found
            if time.monotonic() > deadline:
                raise TooLateError(f"not within {self.patience:g} s: {check.__qualname__}")
            time.sleep(0.02)


def zipped(files: Mapping[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def lines(path: Path) -> list[str]:
    """What functions have written to the file, by line."""
    return path.read_text().splitlines() if path.exists() else []


def task(function: str, **fields: Any) -> dict[str, Any]:
    """A JSONata state that gives its input to the function and returns what that returns."""
    return {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": function, "Payload": "{% $states.input %}"},
        "Output": "{% $states.result.Payload %}",
        **({} if "Next" in fields else {"End": True}),
        **fields,
    }


def machine_of(**states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def distributed_map(processor: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A Map over `$.items`, whose children get the item and `$.common`."""
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    return {
        "Type": "Map",
        "Label": "Each",
        "ItemsPath": "$.items",
        "ItemSelector": {"item.$": "$$.Map.Item.Value", "common.$": "$.common"},
        "ItemProcessor": {"ProcessorConfig": config, **processor},
        "ResultPath": "$.results",
        "End": True,
        **fields,
    }
