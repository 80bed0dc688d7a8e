"""The real template in an engine of its own, and the real command line against it."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from tableferry.local.deploy import deploy, engine_parameters
from tableferry.local.engine import REGION, Engine, RunningEngine, local_environment

ROOT = Path(__file__).parents[3]
SECONDS = 480
PARAMETERS = {"WorkerTimeoutSeconds": "20", "LeaseMarginSeconds": "3", "StallSeconds": "15"}
COMMAND = [sys.executable, "-c", "from tableferry.cli.main import main; main()"]


@dataclass(frozen=True)
class Ended:
    """A command line that has ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The one document on standard output."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found


@dataclass(frozen=True)
class CommandLine:
    """`tableferry` as a shell runs it: another process, with this environment and directory."""

    environment: Mapping[str, str]
    directory: Path
    command: list[str] = field(default_factory=lambda: COMMAND)

    def __call__(self, *words: str, **environment: str) -> Ended:
        done = subprocess.run(
            [*self.command, *words],
            env={**self.environment, **environment},
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        assert done.returncode in {0, 1, 2, 3}, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    def in_background(self, *words: str) -> "Background":
        return Background(self, words)


class Background:
    """A command line that runs beside the test."""

    def __init__(self, run: CommandLine, words: tuple[str, ...]) -> None:
        self._ended: Ended | None = None
        self._thread = threading.Thread(target=self._run, args=(run, words))
        self._thread.start()

    def _run(self, run: CommandLine, words: tuple[str, ...]) -> None:
        self._ended = run(*words)

    def wait(self) -> Ended:
        self._thread.join(SECONDS)
        assert self._ended is not None
        return self._ended


@dataclass(frozen=True)
class Aws:
    """The engine by plain boto3."""

    engine: RunningEngine

    def client(self, service: Any) -> Any:
        return boto3.client(service, endpoint_url=self.engine.endpoint_url, region_name=REGION)

    def table(self, name: str, items: list[dict[str, Any]]) -> None:
        """A table with the key `id`, and these items in it."""
        client = self.client("dynamodb")
        client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for start in range(0, len(items), 25):
            puts = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
            client.batch_write_item(RequestItems={name: puts})

    def items(self, name: str) -> dict[str, Any]:
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=name)
        return {item["id"]["S"]: item for page in pages for item in page["Items"]}


def rows(count: int) -> list[dict[str, Any]]:
    return [{"id": {"S": f"item-{n:05}"}, "n": {"N": str(n)}} for n in range(count)]


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    engine = Engine(tmp_path_factory.mktemp("engine"))
    running = engine.start(wait_scale=0.05, outlives_caller=False)
    try:
        # The end-to-end tests build the same with the same parameters: nothing to build twice.
        deploy(
            ROOT,
            running,
            state_directory=ROOT / ".tableferry" / "e2e",
            parameters={**engine_parameters(), **PARAMETERS},
        )
        yield running
    finally:
        engine.stop()


@pytest.fixture
def aws(engine: RunningEngine) -> Aws:
    return Aws(engine)


@pytest.fixture
def tableferry(engine: RunningEngine, tmp_path: Path) -> CommandLine:
    """The command line, pointed at the engine."""
    return CommandLine({**plain_environment(), **local_environment(engine.port)}, tmp_path)


def plain_environment() -> dict[str, str]:
    """This environment without anything of AWS or Tableferry."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "TABLEFERRY_"))
    }
