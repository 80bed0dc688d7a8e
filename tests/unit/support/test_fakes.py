"""The DynamoDB in memory keeps AWS's rules."""

import pytest

from tests.dynamo_rules import Bench, DynamoRules
from tests.fakes import Faults, MemoryDynamo
from tests.memory_table import MemoryTable


@pytest.fixture
def dynamo() -> Bench:
    engine = MemoryDynamo()

    def make(keys: dict[str, str], index_keys: dict[str, str]) -> str:
        engine.tables["Destination"] = MemoryTable("Destination", keys, index_keys)
        return "Destination"

    return Bench(engine, make)


class TestMemoryDynamo(DynamoRules):
    pass


def test_faults_strike_by_seed_and_end() -> None:
    def history(seed: int) -> list[bool]:
        faults = Faults(seed, rate=0.5, total=10)
        return [faults.strikes() for _ in range(200)]

    assert history(1) == history(1) != history(2)
    assert sum(history(1)) == 10
    assert not any(history(1)[100:])
