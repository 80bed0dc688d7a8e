"""The deployed stack as a test sees it: plain boto3, as the console's buttons would call it."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3

from tableferry.local.engine import REGION, Engine, RunningEngine, Worker
from tableferry.local.faults import FaultProxy

# Long enough for a machine with much else to do: it bounds a wait, and no test counts on it.
DEADLINE_SECONDS = 300.0
COPY = "CopySourceToDestination"
# As many workers at once as two cores can warm up: each is a process that imports botocore.
AT_ONCE = 4


@dataclass(frozen=True)
class Stack:
    """A stack in the embedded engine; its functions reach DynamoDB through the fault proxy."""

    home: Engine
    engine: RunningEngine
    proxy: FaultProxy
    outputs: dict[str, str]

    def client(self, service: str) -> Any:
        make: Any = boto3.client
        return make(service, endpoint_url=self.engine.endpoint_url, region_name=REGION)

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

    @contextmanager
    def worker_timeout(self, seconds: int, function: str = "CopySegment") -> Iterator[None]:
        """Another timeout of that function, for invocations that begin in the block."""
        client = self.client("lambda")
        pages = client.get_paginator("list_functions").paginate()
        names = [each["FunctionName"] for page in pages for each in page["Functions"]]
        (name,) = (each for each in names if function in each)
        before = client.get_function_configuration(FunctionName=name)["Timeout"]
        client.update_function_configuration(FunctionName=name, Timeout=seconds)
        yield
        client.update_function_configuration(FunctionName=name, Timeout=before)

    def executions(self) -> list[str]:
        """Every execution of the machine that was ever started."""
        pages = self.states.get_paginator("list_executions").paginate(
            stateMachineArn=self.outputs["MigrateStateMachineArn"]
        )
        return [each["executionArn"] for page in pages for each in page["executions"]]

    def describe(self, execution: str) -> dict[str, Any]:
        found: dict[str, Any] = self.states.describe_execution(executionArn=execution)
        return found

    def wait(self, execution: str, seconds: float = DEADLINE_SECONDS) -> dict[str, Any]:
        """The execution once it does not run any more."""
        self.until(lambda: self.describe(execution)["status"] != "RUNNING", seconds)
        return self.describe(execution)

    def run(self, spec: dict[str, Any]) -> dict[str, Any]:
        return self.wait(self.start(spec))

    def redrive(self, execution: str) -> None:
        """What the console's Redrive button does."""
        self.states.redrive_execution(executionArn=execution)

    def output(self, execution: str) -> dict[str, Any]:
        """The output of an execution that must succeed."""
        ended = self.wait(execution)
        assert ended["status"] == "SUCCEEDED", self.last_words(execution)
        found: dict[str, Any] = json.loads(ended["output"])
        return found

    def failure(self, execution: str) -> str:
        """The error and the cause of an execution that must fail, and those of its children."""
        assert self.wait(execution)["status"] == "FAILED"
        return self.last_words(execution)

    def last_words(self, execution: str) -> str:
        """The errors of the execution and of its children."""
        ended = [self.describe(each) for each in (execution, *self.children(execution))]
        return "\n".join(f"{each.get('error', '')} {each.get('cause', '')}" for each in ended)

    def children(self, execution: str, label: str | None = None) -> list[str]:
        """The executions of its Map Runs, of all of them or of the one with that label."""
        states = self.states
        found = []
        for run in states.list_map_runs(executionArn=execution)["mapRuns"]:
            if label is None or f"/{label}:" in run["mapRunArn"]:
                pages = states.get_paginator("list_executions").paginate(mapRunArn=run["mapRunArn"])
                found += [each["executionArn"] for page in pages for each in page["executions"]]
        return found

    def workers(self, function: str = "CopySegment") -> list[Worker]:
        """The processes that run that function and have an invocation."""
        return [
            each for each in self.home.workers() if each.is_busy and function in each.function_name
        ]

    def until(self, holds: Callable[[], bool], seconds: float = DEADLINE_SECONDS) -> None:
        """Polls until it holds; Step Functions has no event to wait for."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"did not hold within {seconds:g} s"
            time.sleep(0.1)

    def new_name(self) -> str:
        """A table's name that no other test has."""
        return f"t{uuid.uuid4().hex[:12]}"

    def create_table(self, *, key: str = "id", kind: str = "S") -> str:
        name = self.new_name()
        self.dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind}],
            BillingMode="PAY_PER_REQUEST",
        )
        return name

    def delete_tables(self) -> None:
        """All tables but the stack's own."""
        client = self.dynamodb
        for page in client.get_paginator("list_tables").paginate():
            for name in page["TableNames"]:
                if name != self.outputs["LedgerTableName"]:
                    client.delete_table(TableName=name)

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
            "limits": {"maxConcurrency": AT_ONCE},
            **fields,
        }

    def outcome(self, name: str, status: str | None = None) -> dict[str, Any]:
        """The outcome in the artifacts bucket, once it is there (with that status)."""
        key = f"outcomes/{name}.json"

        def is_there() -> bool:
            return bool(self.objects(key)) and status in {None, self._document(key).get("status")}

        self.until(is_there)
        found: dict[str, Any] = self._document(key)
        return found

    def objects(self, prefix: str) -> dict[str, int]:
        """Keys and sizes of what lies in the artifacts bucket under the prefix."""
        pages = (
            self.client("s3")
            .get_paginator("list_objects_v2")
            .paginate(Bucket=self.outputs["ArtifactsBucketName"], Prefix=prefix)
        )
        return {each["Key"]: each["Size"] for page in pages for each in page.get("Contents", [])}

    def read(self, key: str) -> bytes:
        """An object of the artifacts bucket."""
        bucket = self.outputs["ArtifactsBucketName"]
        content: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def _document(self, key: str) -> Any:
        return json.loads(self.read(key))

    def history(self, execution: str) -> list[dict[str, Any]]:
        """Every event of an execution, or of a Map's child."""
        pages = self.states.get_paginator("get_execution_history").paginate(executionArn=execution)
        return [event for page in pages for event in page["events"]]

    def entered(self, execution: str) -> list[str]:
        """The names of the top-level states in the order in which they were entered."""
        return [
            event["stateEnteredEventDetails"]["name"]
            for event in self.history(execution)
            if "stateEnteredEventDetails" in event
        ]

    def ledger(self, name: str) -> list[dict[str, Any]]:
        """Every record of the ledger that has the name in its key or its content."""
        pages = self.dynamodb.get_paginator("scan").paginate(
            TableName=self.outputs["LedgerTableName"], ConsistentRead=True
        )
        return [
            item
            for page in pages
            for item in page["Items"]
            if name in json.dumps(item, default=str)
        ]

    def leases(self, run: str) -> list[dict[str, Any]]:
        """The run's leases that were not given back."""
        return [
            item
            for item in self.ledger(run)
            if item["pk"]["S"] == run and item["sk"]["S"].startswith("lease#")
        ]


def rows(count: int, **attributes: Any) -> list[dict[str, Any]]:
    """Items with an `id` of type S, a number, and what else is given."""
    return [
        {"id": {"S": f"item-{number:05d}"}, "n": {"N": str(number)}, **attributes}
        for number in range(count)
    ]
