"""How long a write takes to arrive while sync goes on, at fixed rates.

    python -m bench.sync_lag [--rates 100 500 1000] [--seconds 15]

Measured in the deployed stack in the embedded engine, with a live migration that is `synced`: from
before the application's request to after sync's answer.
"""

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from rich.console import Console
from rich.table import Table

from bench.engine import item as bench_item
from bench.processes import ROOT
from tableferry.local.deploy import deploy, engine_parameters
from tableferry.local.engine import REGION, Engine, RunningEngine
from tableferry.local.faults import FaultProxy
from tests.e2e.conftest import free_port

RENAME = [{"rename": {"from": "prefType", "to": "preferenceType"}}]
SOURCE, DESTINATION = "lag-source", "lag-destination"
WRITERS = 4


def _client(endpoint: str, service: str = "dynamodb") -> Any:
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
    )


@dataclass
class Lags:
    """Milliseconds from write to applied."""

    asked: int
    seconds: float
    found: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.found) / self.seconds

    def share(self, part: float) -> float:
        ordered = sorted(self.found)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


@contextmanager
def synced_stack() -> Iterator[tuple[RunningEngine, FaultProxy]]:
    """The deployed stack with a live migration whose sync goes on."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory() as state,
        FaultProxy(f"http://127.0.0.1:{port}", keep_bodies=True) as proxy,
    ):
        engine = Engine(Path(state))
        running = engine.start(
            port=port,
            function_environment={"AWS_ENDPOINT_URL_DYNAMODB": proxy.endpoint_url},
            wait_scale=0.1,
            outlives_caller=False,
        )
        try:
            state_directory = ROOT / ".tableferry" / "e2e"
            deploy(ROOT, running, state_directory=state_directory, parameters=engine_parameters())
            _migrate(running)
            yield running, proxy
        finally:
            engine.stop()


def _migrate(running: RunningEngine) -> None:
    made = partial(_client, running.endpoint_url)
    for name in (SOURCE, DESTINATION):
        made("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    (stack,) = made("cloudformation").describe_stacks(StackName="tableferry")["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    spec = {
        "migrationId": "lag",
        "source": {"tableName": SOURCE},
        "destination": {"tableName": DESTINATION},
        "strategy": "live",
        "transform": RENAME,
        "segments": 1,
        "verify": "none",
        "snapshot": "none",
    }
    states = made("stepfunctions")
    execution = states.start_execution(
        stateMachineArn=outputs["MigrateStateMachineArn"], input=json.dumps(spec)
    )["executionArn"]
    while (found := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.2)
    assert found["status"] == "SUCCEEDED", found


def lags(running: RunningEngine, proxy: FaultProxy, rate: int, seconds: float) -> Lags:
    """Writes so many items a second, evenly, and looks when each was applied."""
    proxy.calls.clear()
    began = time.time()
    threads = [
        threading.Thread(
            target=partial(
                _write, running, began=began, writer=each, rate=rate / WRITERS, seconds=seconds
            )
        )
        for each in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result = Lags(rate, time.time() - began)
    wanted = int(rate / WRITERS * seconds) * WRITERS
    deadline = time.time() + 60
    while len(result.found) < wanted:
        assert time.time() < deadline, (len(result.found), wanted)
        time.sleep(0.5)
        result.found = list(_arrived(proxy))
    return result


def _write(
    running: RunningEngine, *, began: float, writer: int, rate: float, seconds: float
) -> None:
    """Puts one item after the other at its time, without waiting for those that are late."""
    client = _client(running.endpoint_url)
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, began + number / rate - time.time()))
        item = {**bench_item(number), "pk": {"S": f"{writer}-{number}"}}
        item["written"] = {"N": repr(time.time())}
        client.put_item(TableName=SOURCE, Item=item)


def _arrived(proxy: FaultProxy) -> Iterator[float]:
    """For each item, once: from its write to the end of the request that applied it."""
    for call in proxy.calls.select("BatchWriteItem", table=DESTINATION):
        if call.ended:
            (requests,) = json.loads(call.body)["RequestItems"].values()
            for request in requests:
                written = float(request["PutRequest"]["Item"]["written"]["N"])
                yield (call.ended - written) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.sync_lag", description=__doc__)
    parser.add_argument("--rates", type=int, nargs="+", default=[100, 500, 1000])
    parser.add_argument("--seconds", type=float, default=15.0)
    options = parser.parse_args()
    table = Table("writes/s asked", "made", "median ms", "p99 ms", "longest ms")
    with synced_stack() as (running, proxy):
        for rate in options.rates:
            found = lags(running, proxy, rate, options.seconds)
            figures = (found.rate, found.share(0.5), found.share(0.99), max(found.found))
            table.add_row(str(rate), *(f"{each:.0f}" for each in figures))
    Console().print(table)


if __name__ == "__main__":
    main()
