"""DynamoDB is as strict as AWS's where a migration relies on it, and its pages are cheap.

What is refused was measured against AWS's DynamoDB Local.
"""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.engine.lab import Lab

INSERT = "INSERT INTO \"{table}\" VALUE {{'id': ?, 'n': ?}}"
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}

partiql_gap = pytest.mark.gap("partiql")


def insert(table: str, key: dict[str, Any], number: str = "1") -> dict[str, Any]:
    return {"Statement": INSERT.format(table=table), "Parameters": [key, {"N": number}]}


def batch(lab: Lab, *statements: dict[str, Any]) -> list[dict[str, Any]]:
    answer = lab.dynamodb.batch_execute_statement(Statements=list(statements))
    responses: list[dict[str, Any]] = answer["Responses"]
    return responses


def items(lab: Lab, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lab.dynamodb.scan(TableName=table)["Items"]
    return sorted(found, key=lambda item: item["id"]["S"])


def refusal(lab: Lab, *statements: dict[str, Any]) -> str:
    with pytest.raises(ClientError) as caught:
        batch(lab, *statements)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    return str(caught.value.response["Error"]["Message"])


@partiql_gap
def test_one_key_twice_refuses_the_whole_batch_of_statements(lab: Lab) -> None:
    table = lab.table()
    keys = [{"S": "a"}, {"S": "b"}, {"S": "a"}]
    message = refusal(lab, *(insert(table, key) for key in keys))
    assert message == "Provided list of item keys contains duplicates"
    assert items(lab, table) == []


def test_one_key_twice_refuses_the_whole_batch_write(lab: Lab) -> None:
    table = lab.table()
    request = {"PutRequest": {"Item": {"id": {"S": "a"}}}}
    with pytest.raises(ClientError, match="Provided list of item keys contains duplicates"):
        lab.dynamodb.batch_write_item(RequestItems={table: [request, request]})
    assert items(lab, table) == []


def test_existing_keys_are_duplicates_and_the_others_are_written(lab: Lab) -> None:
    table = lab.table()
    batch(lab, insert(table, {"S": "a"}))
    first, second = batch(lab, insert(table, {"S": "a"}, "2"), insert(table, {"S": "b"}))
    assert first["Error"]["Code"] == "DuplicateItem"
    assert "Error" not in second
    assert items(lab, table) == [
        {"id": {"S": "a"}, "n": {"N": "1"}},
        {"id": {"S": "b"}, "n": {"N": "1"}},
    ]


@partiql_gap
@pytest.mark.parametrize(
    ("written", "stored"), [("1.10", "1.1"), ("1E2", "100"), ("-0", "0"), ("00.5", "0.5")]
)
def test_insert_normalises_numbers(lab: Lab, written: str, stored: str) -> None:
    table = lab.table()
    batch(lab, insert(table, {"S": "a"}, written))
    assert items(lab, table) == [{"id": {"S": "a"}, "n": {"N": stored}}]


@partiql_gap
def test_insert_with_a_key_of_the_wrong_type_is_its_own_error(lab: Lab) -> None:
    table = lab.table()
    batch(lab, insert(table, {"S": "7"}))
    wrong, right = batch(lab, insert(table, {"N": "7"}), insert(table, {"S": "8"}))
    assert wrong["Error"]["Code"] == "ValidationError"
    assert "Type mismatch for key id expected: S actual: N" in wrong["Error"]["Message"]
    assert "Error" not in right
    assert [item["id"] for item in items(lab, table)] == [{"S": "7"}, {"S": "8"}]


@partiql_gap
def test_insert_of_a_whole_item_as_one_parameter_is_refused(lab: Lab) -> None:
    table = lab.table()
    statement = f'INSERT INTO "{table}" VALUE ?'
    [answer] = batch(lab, {"Statement": statement, "Parameters": [{"M": {"id": {"S": "a"}}}]})
    assert answer["Error"]["Code"] == "ValidationError"
    assert items(lab, table) == []


@partiql_gap
def test_attribute_may_be_called_m(lab: Lab) -> None:
    table = f"{lab.table()}-m"
    lab.dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "M", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "M", "AttributeType": "S"}],
    )
    statement = f"INSERT INTO \"{table}\" VALUE {{'M': ?}}"
    [answer] = batch(lab, {"Statement": statement, "Parameters": [{"S": "a"}]})
    assert "Error" not in answer
    assert lab.dynamodb.scan(TableName=table)["Items"] == [{"M": {"S": "a"}}]


@partiql_gap
def test_statement_over_the_limit_refuses_the_whole_batch(lab: Lab) -> None:
    table = lab.table()
    long = f"INSERT INTO \"{table}\" VALUE {{'id': ?, '{'é' * 4_096}': 1}}"
    message = refusal(
        lab, insert(table, {"S": "a"}), {"Statement": long, "Parameters": [{"S": "b"}]}
    )
    assert "8192" in message
    assert items(lab, table) == []


@partiql_gap
def test_partiql_writes_reach_the_stream(lab: Lab) -> None:
    table = lab.table(StreamSpecification=STREAM)
    key = [{"S": "a"}]
    batch(lab, insert(table, key[0]))
    update = f'UPDATE "{table}" SET n = 2 WHERE id = ?'
    batch(lab, {"Statement": update, "Parameters": key})
    batch(lab, {"Statement": f'DELETE FROM "{table}" WHERE id = ?', "Parameters": key})
    assert [(record["eventName"], record["dynamodb"]["Keys"]) for record in stream(lab, table)] == [
        (name, {"id": {"S": "a"}}) for name in ("INSERT", "MODIFY", "REMOVE")
    ]


def stream(lab: Lab, table: str) -> list[dict[str, Any]]:
    streams = lab.client("dynamodbstreams")
    arn = lab.dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records: list[dict[str, Any]] = streams.get_records(ShardIterator=iterator)["Records"]
    return records


def fill(lab: Lab, table: str, count: int) -> None:
    for start in range(0, count, 25):
        requests = [
            {"PutRequest": {"Item": {"id": {"S": f"{number:06}"}}}}
            for number in range(start, min(start + 25, count))
        ]
        lab.dynamodb.batch_write_item(RequestItems={table: requests})


def page(lab: Lab, table: str, **settings: Any) -> dict[str, Any]:
    answer: dict[str, Any] = lab.dynamodb.scan(TableName=table, Limit=7, **settings)
    return answer


@pytest.mark.parametrize("segments", [1, 3])
def test_pages_hold_each_item_once_while_others_are_written(lab: Lab, segments: int) -> None:
    table = lab.table()
    fill(lab, table, 100)
    seen: list[str] = []
    for segment in range(segments):
        settings: dict[str, Any] = {"Segment": segment, "TotalSegments": segments}
        while True:
            answer = page(lab, table, **settings)
            seen += [item["id"]["S"] for item in answer["Items"]]
            # Comes and goes behind, at and before the place where the scan is.
            for key in ("000000-", "000050-", "999999"):
                lab.dynamodb.put_item(TableName=table, Item={"id": {"S": key}})
                lab.dynamodb.delete_item(TableName=table, Key={"id": {"S": key}})
            if "LastEvaluatedKey" not in answer:
                break
            settings["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    assert sorted(seen) == [f"{number:06}" for number in range(100)]


def test_scan_sees_what_is_written_and_deleted_after_the_first(lab: Lab) -> None:
    table = lab.table()
    fill(lab, table, 3)
    assert len(items(lab, table)) == 3
    lab.dynamodb.put_item(TableName=table, Item={"id": {"S": "0000005"}})
    lab.dynamodb.delete_item(TableName=table, Key={"id": {"S": "000001"}})
    assert [item["id"]["S"] for item in items(lab, table)] == ["000000", "0000005", "000002"]


@pytest.mark.gap("scan-pages")
def test_page_of_a_large_table_costs_what_the_page_holds(lab: Lab) -> None:
    small, large = lab.table(), lab.table()
    fill(lab, small, 100)
    fill(lab, large, 5_000)

    def seconds(table: str) -> float:
        spent = []
        for _ in range(12):
            started = time.perf_counter()
            page(lab, table, Segment=1, TotalSegments=4)
            spent.append(time.perf_counter() - started)
        return min(spent)

    assert seconds(large) < 2.5 * seconds(small)
