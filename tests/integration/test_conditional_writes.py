"""A repair's conditional writes against AWS's DynamoDB Local, over a real botocore client."""

import pytest

from tests.conditional_rules import ConditionalRules
from tests.dynamo_rules import Bench
from tests.integration.test_copy_dynamodb_local import Engine, engine

__all__ = ["engine"]


class TestDynamoDBLocal(ConditionalRules):
    @pytest.fixture
    def dynamo(self, engine: Engine) -> Bench:
        return Bench(engine.wire, engine.make)
