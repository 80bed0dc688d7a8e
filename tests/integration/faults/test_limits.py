"""A table with limits: what is admitted, what is refused and why, and what is reported as used."""

import time
from collections.abc import Iterable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tableferry.local.faults import FaultProxy, Limits
from tests.integration.faults.conftest import make_table
from tests.integration.faults.talking import inserts, item, names_in, put_names, puts

NAMES = [f"n{number:02}" for number in range(25)]
NO_REFILL = 0.001  # units per second: nothing comes back while a test lasts


def few_writes(units: float) -> Limits:
    """That many write units, once."""
    return Limits(write_units=NO_REFILL, burst_seconds=units / NO_REFILL)


def few_reads(units: float) -> Limits:
    return Limits(read_units=NO_REFILL, burst_seconds=units / NO_REFILL)


def refusal(call: Any, **parameters: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return dict(raised.value.response)


def reasons(answer: dict[str, Any]) -> list[str]:
    listed = answer.get("ThrottlingReasons") or answer["throttlingReasons"]
    return [each["reason"] for each in listed]


def test_what_exceeds_the_limit_is_unprocessed_and_the_rest_is_written(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    proxy.limit(table, few_writes(10))
    undone = put_names(client.batch_write_item(**puts(table, NAMES))["UnprocessedItems"][table])
    assert len(undone) == 15
    assert names_in(engine, table) == set(NAMES) - undone
    answer = refusal(client.batch_write_item, **puts(table, undone))
    assert answer["Error"]["Code"] == "ProvisionedThroughputExceededException"
    assert reasons(answer) == ["TableWriteProvisionedThroughputExceeded"]
    assert proxy.used(table) == (0.0, 10.0)


def test_statements_beyond_the_limit_fail_one_by_one(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    proxy.limit(table, few_writes(10))
    responses = client.batch_execute_statement(**inserts(table, NAMES))["Responses"]
    codes = [each.get("Error", {}).get("Code") for each in responses]
    assert codes == [None] * 10 + ["ProvisionedThroughputExceeded"] * 15
    assert names_in(engine, table) == set(NAMES[:10])


def test_hot_partition_is_refused_for_its_key_range_while_others_are_not(
    client: Any, proxy: FaultProxy, table: str
) -> None:
    limits = Limits(partitions=4, partition_write_units=NO_REFILL, burst_seconds=1 / NO_REFILL)
    proxy.limit(table, limits)
    client.put_item(TableName=table, Item=item("hot"))
    assert reasons(refusal(client.put_item, TableName=table, Item=item("hot"))) == [
        "TableWriteKeyRangeThroughputExceeded"
    ]
    answer = client.batch_write_item(**puts(table, NAMES))
    assert len(answer["UnprocessedItems"][table]) == 25 - 3, "one unit for each other partition"


def test_on_demand_table_throttles_by_its_own_names(
    client: Any, proxy: FaultProxy, table: str
) -> None:
    limits = Limits(write_units=NO_REFILL, burst_seconds=1 / NO_REFILL, on_demand=True)
    proxy.limit(table, limits)
    client.put_item(TableName=table, Item=item("a"))
    answer = refusal(client.put_item, TableName=table, Item=item("b"))
    assert answer["Error"]["Code"] == "ThrottlingException"
    assert reasons(answer) == ["TableWriteMaxOnDemandThroughputExceeded"]


def test_index_that_can_not_keep_up_refuses_the_tables_writes(
    client: Any, proxy: FaultProxy, engine: Any
) -> None:
    table = indexed_table(engine)
    index = {"byDay": NO_REFILL}
    proxy.limit(table, Limits(index_write_units=index, burst_seconds=1 / NO_REFILL))
    client.put_item(TableName=table, Item=item("a", day={"S": "monday"}))
    client.put_item(TableName=table, Item=item("b"))  # not in the index
    answer = refusal(client.put_item, TableName=table, Item=item("c", day={"S": "monday"}))
    assert reasons(answer) == ["IndexWriteProvisionedThroughputExceeded"]
    assert answer["ThrottlingReasons"][0]["resource"].endswith(f"table/{table}/index/byDay")


def test_throttled_transaction_names_the_actions_and_does_nothing(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    proxy.limit(table, few_writes(3))
    put = [{"Put": {"TableName": table, "Item": item(name)}} for name in NAMES[:2]]
    client.transact_write_items(TransactItems=put)
    assert proxy.used(table) == (0.0, 4.0)
    put = [{"Put": {"TableName": table, "Item": item(name)}} for name in NAMES[2:4]]
    answer = refusal(client.transact_write_items, TransactItems=put)
    assert answer["Error"]["Code"] == "TransactionCanceledException"
    codes = [reason["Code"] for reason in answer["CancellationReasons"]]
    assert codes == ["ProvisionedThroughputExceeded"] * 2
    assert names_in(engine, table) == set(NAMES[:2])


def test_reads_are_charged_when_answered_and_refused_while_in_debt(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    fill(engine, table, NAMES, size=4000)
    proxy.limit(table, few_reads(5))
    answer = client.scan(TableName=table, ReturnConsumedCapacity="TOTAL")
    assert answer["Count"] == 25
    assert 12.0 <= answer["ConsumedCapacity"]["CapacityUnits"] <= 13.0
    assert reasons(refusal(client.scan, TableName=table)) == [
        "TableReadProvisionedThroughputExceeded"
    ]
    keys = {"Keys": [item(name) for name in NAMES]}
    answer = refusal(client.batch_get_item, RequestItems={table: keys})
    assert answer["Error"]["Code"] == "ProvisionedThroughputExceededException"


@pytest.mark.parametrize(("consistent", "units"), [(False, 1.0), (True, 2.0)])
def test_get_is_charged_by_4_kb_and_consistency(
    client: Any, proxy: FaultProxy, table: str, consistent: bool, units: float
) -> None:
    client.put_item(TableName=table, Item=item("a", text={"S": "x" * 5000}))
    proxy.limit(table, Limits())
    answer = client.get_item(
        TableName=table,
        Key=item("a"),
        ConsistentRead=consistent,
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["ConsumedCapacity"]["CapacityUnits"] == units
    assert proxy.used(table) == (units, 0.0)


def test_page_that_a_projection_hides_is_charged_by_what_was_scanned(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    fill(engine, table, NAMES, size=4000)
    proxy.limit(table, Limits())
    whole = client.scan(TableName=table, ReturnConsumedCapacity="TOTAL")
    keys = client.scan(TableName=table, ProjectionExpression="id", ReturnConsumedCapacity="TOTAL")
    count = client.scan(TableName=table, Select="COUNT", ReturnConsumedCapacity="TOTAL")
    assert keys["ConsumedCapacity"] == whole["ConsumedCapacity"] == count["ConsumedCapacity"]


def test_consumed_capacity_of_writes_counts_kilobytes_and_indexes(
    client: Any, proxy: FaultProxy, engine: Any
) -> None:
    table = indexed_table(engine)
    proxy.limit(table, Limits(write_units=1000))
    requests = puts(table, ["a"])["RequestItems"][table]
    big = item("b", text={"S": "x" * 2500}, day={"S": "monday"})
    requests.append({"PutRequest": {"Item": big}})
    answer = client.batch_write_item(
        RequestItems={table: requests}, ReturnConsumedCapacity="INDEXES"
    )
    (consumed,) = answer["ConsumedCapacity"]
    assert consumed["TableName"] == table
    assert consumed["Table"]["CapacityUnits"] == 4.0
    assert consumed["GlobalSecondaryIndexes"] == {"byDay": {"CapacityUnits": 1.0}}
    assert consumed["CapacityUnits"] == 5.0
    (call,) = proxy.calls.select("BatchWriteItem")
    assert (call.write_units, call.read_units) == (5.0, 0.0)


def test_deletes_cost_what_they_remove_where_old_items_are_read(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    fill(engine, table, ["a", "b"], size=4000)
    proxy.limit(table, Limits(write_units=1000, reads_old_items=True))
    requests = [{"DeleteRequest": {"Key": item(name)}} for name in "abc"]
    answer = client.batch_write_item(RequestItems={table: requests}, ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"][0]["CapacityUnits"] == 4.0 + 4.0 + 1.0


def test_tables_without_limits_pass_and_report_the_engines_own_figures(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    other = make_table(engine)
    proxy.limit(table, few_writes(1))
    client.put_item(TableName=table, Item=item("a"))
    both = puts(table, NAMES)["RequestItems"] | puts(other, NAMES)["RequestItems"]
    answer = client.batch_write_item(
        RequestItems={table: both[table][:12], other: both[other][:12]},
        ReturnConsumedCapacity="TOTAL",
    )
    assert set(answer["UnprocessedItems"]) == {table}
    assert len(answer["UnprocessedItems"][table]) == 12
    (consumed,) = answer["ConsumedCapacity"]
    assert consumed["TableName"] == other
    assert names_in(engine, other) == set(NAMES[:12])


def test_rate_holds_over_time(client: Any, proxy: FaultProxy, table: str) -> None:
    """300 units per second, a burst of a tenth of a second, and a client that wants more."""
    proxy.limit(table, Limits(write_units=300, burst_seconds=0.1))
    started = time.monotonic()
    while time.monotonic() < started + 1.2:
        try:
            client.batch_write_item(**puts(table, NAMES))
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ProvisionedThroughputExceededException"
    _, used = proxy.used(table)
    elapsed = time.monotonic() - started
    assert 0.5 * 300 * elapsed <= used <= 300 * (elapsed + 0.1) + 2


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="above zero"):
        Limits(write_units=0)
    with pytest.raises(ValueError, match="above zero"):
        Limits(burst_seconds=0)
    with pytest.raises(ValueError, match="one partition"):
        Limits(partitions=0)


def fill(engine: Any, table: str, names: Iterable[str], *, size: int) -> None:
    """Puts items of about `size` bytes, past the proxy."""
    for name in names:
        engine.put_item(TableName=table, Item=item(name, text={"S": "x" * (size - 10)}))


def indexed_table(engine: Any) -> str:
    """A table with the index `byDay` on `day`, which holds keys only."""
    return make_table(
        engine,
        AttributeDefinitions=[{"AttributeName": "day", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "byDay",
                "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
