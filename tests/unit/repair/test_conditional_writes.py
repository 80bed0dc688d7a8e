"""The rules of conditional writes hold in the fake that the tests of repair use."""

import pytest

from tests.conditional_dynamo import ConditionalDynamo
from tests.conditional_rules import ConditionalRules
from tests.dynamo_rules import Bench
from tests.memory_table import MemoryTable


class TestConditionalDynamo(ConditionalRules):
    @pytest.fixture
    def dynamo(self) -> Bench:
        made = ConditionalDynamo()

        def table(keys: dict[str, str], index_keys: dict[str, str]) -> str:
            name = f"t{len(made.tables)}"
            made.tables[name] = MemoryTable(name, keys, index_keys)
            return name

        return Bench(made, table)
