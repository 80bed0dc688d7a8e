"""The ledger's conditional writes against AWS's DynamoDB Local and against moto."""

import dataclasses
import json
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws

from tableferry.aws.checkpoints import Checkpoints
from tableferry.aws.ledger import Ledger
from tableferry.aws.ledger_table import ConditionFailedError, LedgerTable, key, text
from tableferry.errors import RequestRefusedError, TableNotFoundError, TransientError
from tableferry.model import Phase, SegmentRecord, Work
from tests.ledger_rules import CONTROL, OWNER, RUN, LedgerRaces, LedgerRules, claim, lease, made
from tests.support.fixtures import EngineUnderTest, dynamodb_client


class BothHalves(Ledger, Checkpoints):
    """The ledger's runs and segments over one table."""


def new_table(client: Any) -> str:
    name = f"ledger-{uuid.uuid4()}"
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
        ],
    )
    return name


def ledger_of(client: Any, **options: Any) -> BothHalves:
    return BothHalves(LedgerTable(client, new_table(client), **options))


class TestOnDynamoDBLocal(LedgerRules, LedgerRaces):
    @pytest.fixture
    def ledger(self, dynamodb_local: EngineUnderTest) -> BothHalves:
        return ledger_of(dynamodb_local.client)


class TestOnMoto(LedgerRules):
    """Moto's transactions are not atomic between threads: it takes no part in the races."""

    @pytest.fixture
    def ledger(self, moto_dynamodb: Any) -> BothHalves:
        return ledger_of(moto_dynamodb)


@pytest.fixture(scope="module")
def moto_dynamodb() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("dynamodb")


@pytest.fixture
def moto_client() -> Iterator[Any]:
    """A client of its own, whose requests a test may let fail."""
    with mock_aws():
        yield boto3.client("dynamodb", config=Config(retries={"total_max_attempts": 1}))


class Failing:
    """Answers an operation with errors first."""

    def __init__(self, client: Any, operation: str, *errors: dict[str, Any]) -> None:
        self.left = list(errors)
        client.meta.events.register(f"before-call.dynamodb.{operation}", self._fail)
        self._operation = operation

    def _fail(self, **_: Any) -> None:
        if self.left:
            raise ClientError(self.left.pop(0), self._operation)  # type: ignore[arg-type]


def refusal(code: str, *reasons: str, status: int = 400) -> dict[str, Any]:
    return {
        "Error": {"Code": code, "Message": code},
        "ResponseMetadata": {"HTTPStatusCode": status},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }


CANCELED = "TransactionCanceledException"


def test_transactions_that_meet_are_tried_again_with_jitter(moto_client: Any) -> None:
    slept: list[float] = []
    ledger = made(ledger_of(moto_client, sleep=slept.append))
    meeting = refusal(CANCELED, "TransactionConflict", "None", "None", "None")
    Failing(moto_client, "TransactWriteItems", *[meeting] * 5)
    ledger.hold_segment(CONTROL, claim("a"), lease("a"))
    assert len(slept) == 5
    assert len(set(slept)) == 5
    assert max(slept) <= 2


def test_a_write_that_meets_a_transaction_is_tried_again(moto_client: Any) -> None:
    ledger = made(ledger_of(moto_client, sleep=lambda seconds: None))
    Failing(moto_client, "UpdateItem", refusal("TransactionConflictException"))
    ledger.advance(RUN, OWNER, Phase.COPYING, Phase.CLOSING)
    assert ledger.control(RUN).phase is Phase.CLOSING


def test_a_failed_condition_beside_a_conflict_is_a_failed_condition(moto_client: Any) -> None:
    ledger = made(ledger_of(moto_client, sleep=lambda seconds: None))
    both = refusal(CANCELED, "None", "TransactionConflict", "ConditionalCheckFailed", "None")
    Failing(moto_client, "TransactWriteItems", both)
    with pytest.raises(ConditionFailedError) as caught:
        ledger.hold_segment(CONTROL, claim("a"), lease("a"))
    assert caught.value.failed == {2}


def test_transactions_that_always_meet_are_the_state_machines_to_retry(moto_client: Any) -> None:
    ledger = made(ledger_of(moto_client, sleep=lambda seconds: None))
    meeting = refusal(CANCELED, "TransactionConflict", "None", "None", "None")
    Failing(moto_client, "TransactWriteItems", *[meeting] * 100)
    with pytest.raises(TransientError):
        ledger.hold_segment(CONTROL, claim("a"), lease("a"))


def test_a_transaction_that_breaks_a_rule_is_not_tried_again(moto_client: Any) -> None:
    ledger = made(ledger_of(moto_client, sleep=lambda seconds: pytest.fail("waited")))
    Failing(moto_client, "TransactWriteItems", refusal(CANCELED, "ValidationError", "None"))
    with pytest.raises(RequestRefusedError, match=CANCELED):
        ledger.hold_segment(CONTROL, claim("a"), lease("a"))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refusal("ProvisionedThroughputExceededException"), TransientError),
        (refusal("InternalServerError", status=500), TransientError),
        (refusal("ResourceNotFoundException"), TableNotFoundError),
        (refusal("ValidationException"), RequestRefusedError),
    ],
)
@pytest.mark.parametrize("operation", ["GetItem", "UpdateItem", "Query", "DeleteItem"])
def test_what_aws_refuses_is_our_own_error(
    moto_client: Any, operation: str, error: dict[str, Any], expected: type[Exception]
) -> None:
    ledger = made(ledger_of(moto_client))
    Failing(moto_client, operation, error)
    with pytest.raises(expected):
        {
            "GetItem": lambda: ledger.control(RUN),
            "UpdateItem": lambda: ledger.mark_stopped(RUN, "ender"),
            "Query": lambda: ledger.leases(RUN),
            "DeleteItem": lambda: ledger.release(lease("a")),
        }[operation]()


def test_a_checkpoint_of_another_version_of_the_code_is_still_read(moto_client: Any) -> None:
    table = LedgerTable(moto_client, new_table(moto_client))
    document = '{"pages": 4, "counts": {"read": 9, "unheard": 1}, "unheard": true}'
    item = {**key(f"{RUN}#copy#3", "segment"), "holder": text("a"), "doc": text(document)}
    moto_client.put_item(TableName=table.table, Item=item)
    found = Checkpoints(table).segment(RUN, Work.COPY, 3)
    assert (found.pages, found.counts.read, found.holder, found.round) == (4, 9, "a", 1)


def test_a_run_with_very_much_text_fits_into_its_record(moto_client: Any) -> None:
    ledger = ledger_of(moto_client)
    record = {"mode": "migrate", "spec": {"note": "漢" * 33_000}, "steps": {}}
    ledger.create_run(CONTROL, record, writes=True, keep=True)
    item = moto_client.get_item(TableName=ledger.table_name, Key=key(RUN, "spec"))["Item"]
    assert len(item["doc"]["S"].encode()) < 100_000


def test_short_runs_leave_by_time_to_live_and_migrations_stay(moto_client: Any) -> None:
    ledger = ledger_of(moto_client, now=lambda: 1_000_000.0)
    ledger.create_run(CONTROL, {"steps": {}}, writes=False, keep=False)
    short = moto_client.get_item(TableName=ledger.table_name, Key=key(RUN, "control"))["Item"]
    assert int(short["expiresAt"]["N"]) == 1_000_000 + 30 * 24 * 3600
    kept = ledger_of(moto_client)
    made(kept)
    item = moto_client.get_item(TableName=kept.table_name, Key=key(RUN, "control"))["Item"]
    assert "expiresAt" not in item


def test_leases_of_more_than_one_query_page_are_all_found(dynamodb_local: EngineUnderTest) -> None:
    ledger = made(ledger_of(dynamodb_local.client))
    filler = {"filler": text("x" * 30_000)}
    for number in range(60):
        ledger.hold_segment(CONTROL, claim("a", number), lease("a", number))
        doc = text(json.dumps(dataclasses.asdict(lease("a", number))))
        item = {**key(RUN, f"lease#copy#{number}#a"), "doc": doc, **filler}
        dynamodb_local.client.put_item(TableName=ledger.table_name, Item=item)
    assert set(ledger.leases(RUN)) == {lease("a", number) for number in range(60)}


def test_a_hundred_workers_start_at_once(dynamodb_local: EngineUnderTest) -> None:
    client = dynamodb_client(dynamodb_local.endpoint_url)
    ledger = made(ledger_of(client))
    errors: list[Exception] = []

    def start(number: int) -> None:
        try:
            ledger.hold_segment(CONTROL, claim(f"i{number}", number), lease(f"i{number}", number))
            ledger.checkpoint(RUN, SegmentRecord(Work.COPY, number, f"i{number}", done=True))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sum(record.done for record in ledger.segments(RUN, Work.COPY, 100)) == 100
    assert len(ledger.leases(RUN)) == 100
