"""The deployed stack as a test sees it: plain boto3, as the console's buttons would call it."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3

from tableferry.local.engine import REGION, RunningEngine
from tableferry.local.faults import FaultProxy

DEADLINE_SECONDS = 120.0


@dataclass(frozen=True)
class Stack:
    """A stack in the embedded engine; its functions reach DynamoDB through the fault proxy."""

    engine: RunningEngine
    proxy: FaultProxy
    outputs: dict[str, str]

    def client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.engine.endpoint_url, region_name=REGION)

    @property
    def dynamodb(self) -> Any:
        return self.client("dynamodb")

    @property
    def states(self) -> Any:
        return self.client("stepfunctions")

    def start(self, spec: dict[str, Any]) -> str:
        """Starts an execution as the console does; its ARN."""
        answer = self.states.start_execution(
            stateMachineArn=self.outputs["MigrateStateMachineArn"],
            name=uuid.uuid4().hex,
            input=json.dumps(spec),
        )
        return str(answer["executionArn"])

    def describe(self, execution: str) -> dict[str, Any]:
        found: dict[str, Any] = self.states.describe_execution(executionArn=execution)
        return found

    def wait(self, execution: str, seconds: float = DEADLINE_SECONDS) -> dict[str, Any]:
        """The execution once it does not run any more."""
        self.until(lambda: self.describe(execution)["status"] != "RUNNING", seconds)
        return self.describe(execution)

    def run(self, spec: dict[str, Any]) -> dict[str, Any]:
        return self.wait(self.start(spec))

    def until(self, holds: Callable[[], bool], seconds: float = DEADLINE_SECONDS) -> None:
        """Polls until it holds; Step Functions has no event to wait for."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"did not hold within {seconds:g} s"
            time.sleep(0.1)

    def create_table(self, *, key: str = "id", kind: str = "S") -> str:
        name = f"t{uuid.uuid4().hex[:12]}"
        self.dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind}],
            BillingMode="PAY_PER_REQUEST",
        )
        return name

    def load(self, table: str, items: list[dict[str, Any]]) -> None:
        client = self.dynamodb
        for start in range(0, len(items), 25):
            puts = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
            client.batch_write_item(RequestItems={table: puts})

    def items(self, table: str, key: str = "id") -> dict[str, dict[str, Any]]:
        """Every item by the text of its key."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return {str(item[key]): item for page in pages for item in page["Items"]}

    def spec(self, source: str, destination: str, **fields: Any) -> dict[str, Any]:
        return {
            "migrationId": f"m-{uuid.uuid4().hex[:12]}",
            "source": {"tableName": source},
            "destination": {"tableName": destination},
            "verify": "count",
            "snapshot": "none",
            **fields,
        }

    def outcome(self, name: str) -> dict[str, Any]:
        """The outcome in the artifacts bucket, once it is there."""
        bucket = self.outputs["ArtifactsBucketName"]
        s3 = self.client("s3")
        key = f"outcomes/{name}.json"

        def is_there() -> bool:
            return bool(s3.list_objects_v2(Bucket=bucket, Prefix=key).get("KeyCount"))

        self.until(is_there)
        found: dict[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        return found

    def entered(self, execution: str) -> list[str]:
        """The names of the top-level states in the order in which they were entered."""
        pages = self.states.get_paginator("get_execution_history").paginate(executionArn=execution)
        return [
            event["stateEnteredEventDetails"]["name"]
            for page in pages
            for event in page["events"]
            if "stateEnteredEventDetails" in event
        ]


def rows(count: int, **attributes: Any) -> list[dict[str, Any]]:
    """Items with an `id` of type S, a number, and what else is given."""
    return [
        {"id": {"S": f"item-{number:05d}"}, "n": {"N": str(number)}, **attributes}
        for number in range(count)
    ]
