"""What AWS refuses, refused as AWS does: seen with a plain boto3 client."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from botocore.exceptions import ClientError

from tableferry.local.faults import Deny, Fail, FaultProxy, Freeze, Throttle, Unprocessed
from tests.integration.faults.talking import inserts, item, names_in, puts
from tests.support.fixtures import dynamodb_client


def refusal(call: Any, **parameters: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return dict(raised.value.response)


def test_access_is_denied_for_one_operation_on_one_table_and_given_back(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    rule = proxy.add(Deny(), operations="PutItem", tables=table)
    answer = refusal(client.put_item, TableName=table, Item=item("a"))
    assert answer["Error"]["Code"] == "AccessDeniedException"
    assert (
        f"dynamodb:PutItem on resource: arn:aws:dynamodb:us-east-1:000000000000:table/{table}"
        in (answer["Error"]["Message"])
    )
    assert client.get_item(TableName=table, Key=item("a")).get("Item") is None
    assert names_in(engine, table) == set()
    proxy.remove(rule)
    client.put_item(TableName=table, Item=item("a"))
    assert names_in(engine, table) == {"a"}


def test_table_named_by_arn_is_denied_too(client: Any, proxy: FaultProxy, table: str) -> None:
    proxy.add(Deny(), tables=table)
    arn = f"arn:aws:dynamodb:us-east-1:000000000000:table/{table}"
    answer = refusal(client.get_item, TableName=arn, Key=item("a"))
    assert answer["Error"]["Code"] == "AccessDeniedException"


def test_statements_are_denied_one_by_one(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    proxy.add(Deny(per_statement=True), operations="BatchExecuteStatement")
    responses = client.batch_execute_statement(**inserts(table, "ab"))["Responses"]
    assert [each["Error"]["Code"] for each in responses] == ["AccessDenied", "AccessDenied"]
    assert names_in(engine, table) == set()


def test_signature_older_than_its_lifetime_is_refused_and_changes_nothing(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    def age(request: Any, **_: Any) -> None:
        old = datetime.now(UTC) - timedelta(minutes=6)
        request.headers["X-Amz-Date"] = old.strftime("%Y%m%dT%H%M%SZ").encode()

    client.meta.events.register("before-send.dynamodb.PutItem", age)
    answer = refusal(client.put_item, TableName=table, Item=item("zombie"))
    assert answer["Error"]["Code"] == "InvalidSignatureException"
    assert answer["Error"]["Message"].startswith("Signature expired: ")
    assert "- 5 min.)" in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert names_in(engine, table) == set()
    proxy.signature_seconds = 420
    client.put_item(TableName=table, Item=item("zombie"))
    assert names_in(engine, table) == {"zombie"}


def test_signature_that_grew_old_on_its_way_is_refused_too(
    fault_proxy: Callable[..., FaultProxy], engine_url: str, engine: Any, table: str
) -> None:
    """As when a worker's request was in flight while the worker was stopped."""
    hours = [0.0]
    proxy = fault_proxy(engine_url, clock=lambda: time.time() + 3600 * hours[0])
    client = dynamodb_client(proxy.endpoint_url)
    rule = proxy.add(Freeze(), operations="PutItem")
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(client.put_item, TableName=table, Item=item("zombie"))
        proxy.calls.wait_for("PutItem", ended=False)
        hours[0] = 1.0
        proxy.remove(rule)
        error = held.exception(timeout=10)
    assert isinstance(error, ClientError)
    assert error.response["Error"]["Code"] == "InvalidSignatureException"
    assert names_in(engine, table) == set()


@pytest.mark.parametrize(
    ("throttle", "reason"),
    [
        (Throttle(), "TableWriteProvisionedThroughputExceeded"),
        (Throttle(), "TableReadProvisionedThroughputExceeded"),
        (Throttle(scope="keyRange"), "TableWriteKeyRangeThroughputExceeded"),
        (
            Throttle(error="RequestLimitExceeded", scope="account"),
            "TableReadAccountLimitExceeded",
        ),
        (
            Throttle(error="ThrottlingException", scope="onDemandMaximum", index="byDate"),
            "IndexWriteMaxOnDemandThroughputExceeded",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_throttling_names_its_reason(
    client: Any, proxy: FaultProxy, table: str, throttle: Throttle, reason: str
) -> None:
    proxy.add(throttle)
    if "Write" in reason:
        answer = refusal(client.put_item, TableName=table, Item=item("a"))
    else:
        answer = refusal(client.scan, TableName=table)
    assert answer["Error"]["Code"] == throttle.error
    key = "throttlingReasons" if throttle.error == "ThrottlingException" else "ThrottlingReasons"
    (given,) = answer[key]
    assert given["reason"] == reason
    resource = f"table/{table}/index/byDate" if throttle.index else f"table/{table}"
    assert given["resource"].endswith(resource)


@pytest.mark.parametrize("status", [500, 503])
def test_server_fault_before_the_write_changes_nothing(
    client: Any, proxy: FaultProxy, engine: Any, table: str, status: Literal[500, 503]
) -> None:
    rule = proxy.add(Fail(status=status), first=1)
    answer = refusal(client.put_item, TableName=table, Item=item("a"))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    assert names_in(engine, table) == set()
    client.put_item(TableName=table, Item=item("b"))
    assert proxy.struck(rule) == 1
    assert names_in(engine, table) == {"b"}


def test_boto3s_own_retries_get_past_what_passes(
    proxy: FaultProxy, engine: Any, table: str
) -> None:
    patient = dynamodb_client(proxy.endpoint_url, attempts=5)
    rule = proxy.add(Throttle(), operations="PutItem", first=2)
    patient.put_item(TableName=table, Item=item("a"))
    assert proxy.struck(rule) == 2
    assert [call.status for call in proxy.calls.select("PutItem")] == [400, 400, 200]


def test_dice_by_seed_strike_the_same_calls_again(
    proxy: FaultProxy, client: Any, table: str
) -> None:
    def struck() -> list[bool]:
        rule = proxy.add(Fail(), operations="GetItem", rate=0.5, seed=7)
        proxy.calls.clear()
        for _ in range(40):
            try:
                client.get_item(TableName=table, Key=item("a"))
            except ClientError as error:
                assert error.response["Error"]["Code"] == "InternalServerError"
        proxy.remove(rule)
        return [call.status == 500 for call in proxy.calls.select("GetItem")]

    first = struck()
    assert first == struck()
    assert 10 < sum(first) < 30


def test_rule_skips_then_strikes_a_number_of_calls(
    proxy: FaultProxy, client: Any, table: str
) -> None:
    proxy.add(Fail(), operations="GetItem", skip=2, first=1)
    for _ in range(5):
        try:
            client.get_item(TableName=table, Key=item("a"))
        except ClientError as error:
            assert error.response["Error"]["Code"] == "InternalServerError"
    assert [call.status for call in proxy.calls.select("GetItem")] == [200, 200, 500, 200, 200]


def test_predicate_and_body_choose_the_calls(proxy: FaultProxy, client: Any, table: str) -> None:
    proxy.add(Deny(), predicate=lambda call, body: call.mutating and b'"poison"' in body)
    proxy.add(Fail(), body_contains='"bad"')
    client.put_item(TableName=table, Item=item("good"))
    denied = refusal(client.put_item, TableName=table, Item=item("poison"))
    failed = refusal(client.put_item, TableName=table, Item=item("bad"))
    assert denied["Error"]["Code"] == "AccessDeniedException"
    assert failed["Error"]["Code"] == "InternalServerError"
    client.get_item(TableName=table, Key=item("poison"))


def test_whole_batch_held_back_is_throttled(client: Any, proxy: FaultProxy, table: str) -> None:
    proxy.add(Unprocessed(share=1.0, scope="keyRange"))
    answer = refusal(client.batch_write_item, **puts(table, "abc"))
    assert answer["Error"]["Code"] == "ProvisionedThroughputExceededException"
    (reason,) = answer["ThrottlingReasons"]
    assert reason["reason"] == "TableWriteKeyRangeThroughputExceeded"
    started = time.time()
    assert not proxy.calls.select(table=table, forwarded=True, until=started)
