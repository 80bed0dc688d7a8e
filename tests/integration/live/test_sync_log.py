"""The real ledger of sync against AWS's DynamoDB Local and against moto."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tableferry.aws.ledger import Ledger
from tableferry.aws.ledger_table import LedgerTable
from tableferry.aws.sync_log import SyncLog
from tests.integration.test_ledger import new_table
from tests.support.fixtures import EngineUnderTest
from tests.support.sync_log_rules import CONTROL, NOW, Made, SyncLogRules


def made_of(client: Any) -> Made:
    time = [NOW]
    table = LedgerTable(client, new_table(client), now=lambda: time[0])
    ledger = Ledger(table)
    ledger.create_run(CONTROL, {"steps": {}}, writes=True, keep=True)
    return Made(SyncLog(table), ledger, time)


class TestOnDynamoDBLocal(SyncLogRules):
    @pytest.fixture
    def made(self, dynamodb_local: EngineUnderTest) -> Made:
        return made_of(dynamodb_local.client)


class TestOnMoto(SyncLogRules):
    @pytest.fixture
    def made(self) -> Iterator[Made]:
        with mock_aws():
            yield made_of(boto3.client("dynamodb"))
