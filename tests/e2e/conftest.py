"""One engine and one deployed stack for all end-to-end tests."""

import socket
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tableferry.local.deploy import deploy, engine_parameters
from tableferry.local.engine import REGION, Engine, RunningEngine
from tableferry.local.faults import FaultProxy
from tests.e2e.command_line import CommandLine
from tests.e2e.stack import Stack

ROOT = Path(__file__).parents[2]
# Short, so that a worker that was killed does not hold the clean-up for minutes. The engine never
# holds a request back; how long AWS takes a signature is what the proxy's own limit stands for.
PARAMETERS = {"WorkerTimeoutSeconds": "20", "LeaseMarginSeconds": "3", "StallSeconds": "15"}
# Waits and retries of the state machine only pace it: what is waited for is looked at again.
WAIT_SCALE = 0.1


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The real template, built and deployed into an engine of its own."""
    state = tmp_path_factory.mktemp("engine")
    port = free_port()
    engine = Engine(state)
    upstream = f"http://127.0.0.1:{port}"
    with FaultProxy(upstream, signature_seconds=3.0, keep_bodies=True) as proxy:
        running = engine.start(
            port=port,
            function_environment={"AWS_ENDPOINT_URL_DYNAMODB": proxy.endpoint_url},
            wait_scale=WAIT_SCALE,
            outlives_caller=False,
        )
        try:
            # A build of its own is shared by all runs of the tests: nothing to build, if unchanged.
            deploy(
                ROOT,
                running,
                state_directory=ROOT / ".tableferry" / "e2e",
                parameters={**engine_parameters(), **PARAMETERS},
            )
            yield Stack(engine, running, proxy, _outputs(running))
        finally:
            engine.stop()


def _outputs(running: RunningEngine) -> dict[str, str]:
    client = boto3.client("cloudformation", endpoint_url=running.endpoint_url, region_name=REGION)
    (stack,) = client.describe_stacks(StackName="tableferry")["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


@pytest.fixture
def stack(deployed: Stack) -> Iterator[Stack]:
    """The stack, with a proxy that lets everything pass again, and no tables, after the test."""
    deployed.proxy.calls.clear()
    yield deployed
    deployed.proxy.clear()
    deployed.delete_tables()


@pytest.fixture
def tableferry(stack: Stack, tmp_path: Path) -> CommandLine:
    """The command, which talks to the stack's engine."""
    return CommandLine(stack.engine.port, tmp_path)
