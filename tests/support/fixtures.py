"""Fixtures for every test: engines, the fault proxy, and clients that do not retry."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tableferry.local.faults import FaultProxy
from tests.support import dynamodb_local as aws_engine


@dataclass(frozen=True, slots=True)
class EngineUnderTest:
    """Where an engine answers, and a plain boto3 client of it that never retries."""

    endpoint_url: str
    client: Any


def dynamodb_client(endpoint_url: str, *, attempts: int = 1) -> Any:
    """A boto3 client as a user would make it, but that each failure is seen at once."""
    retries: Any = {"total_max_attempts": attempts}
    config = Config(retries=retries, connect_timeout=5, read_timeout=30, max_pool_connections=64)
    return boto3.client(
        "dynamodb",
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "dynamodb_local" in getattr(item, "fixturenames", ()):
            item.add_marker("dynamodb_local")


@pytest.fixture(scope="session")
def dynamodb_local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineUnderTest]:
    """AWS's own engine; skips with the reason where it can not run, and fails instead in CI."""
    try:
        aws_engine.fetched()
    except aws_engine.NotAvailableError as missing:
        if aws_engine.must_be_there():
            raise
        pytest.skip(str(missing))
    log_file = tmp_path_factory.mktemp("dynamodb-local") / "log"
    with aws_engine.running(log_file) as url:
        yield EngineUnderTest(url, dynamodb_client(url))


@pytest.fixture
def fault_proxy() -> Iterator[Callable[..., FaultProxy]]:
    """Makes fault proxies before an engine's URL; each is closed at the test's end."""
    proxies: list[FaultProxy] = []

    def before(upstream: str, **settings: Any) -> FaultProxy:
        proxies.append(FaultProxy(upstream, **settings).start())
        return proxies[-1]

    yield before
    for proxy in proxies:
        proxy.close()
