"""A fault proxy before each of the engines, and a table behind it."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tableferry.local.engine import Engine
from tableferry.local.faults import FaultProxy
from tests.support.fixtures import dynamodb_client

ENGINES = ("ministack", "dynamodb_local")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine_url" in metafunc.fixturenames:
        marks = {"dynamodb_local": [pytest.mark.dynamodb_local]}
        engines = [pytest.param(name, id=name, marks=marks.get(name, ())) for name in ENGINES]
        metafunc.parametrize("engine_url", engines, indirect=True, scope="session")


@pytest.fixture(scope="session")
def ministack_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    engine = Engine(tmp_path_factory.mktemp("engine"))
    try:
        yield engine.start().endpoint_url
    finally:
        engine.stop()


@pytest.fixture(scope="session")
def engine_url(request: pytest.FixtureRequest) -> str:
    """The engine's own address, past the proxy."""
    if request.param == "ministack":
        return str(request.getfixturevalue("ministack_url"))
    return str(request.getfixturevalue("dynamodb_local").endpoint_url)


@pytest.fixture
def proxy(engine_url: str) -> Iterator[FaultProxy]:
    with FaultProxy(engine_url) as running:
        yield running


@pytest.fixture
def client(proxy: FaultProxy) -> Any:
    """A client that goes through the proxy and never retries."""
    return dynamodb_client(proxy.endpoint_url)


@pytest.fixture
def engine(engine_url: str) -> Any:
    """A client that goes past the proxy: what is really there."""
    return dynamodb_client(engine_url)


@pytest.fixture
def table(engine: Any) -> str:
    return make_table(engine)


def make_table(engine: Any, **settings: Any) -> str:
    """An on-demand table with the string key `id`; its name."""
    name = f"t-{uuid.uuid4().hex[:12]}"
    attributes = settings.pop("AttributeDefinitions", [])
    engine.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}, *attributes],
        **settings,
    )
    return name
