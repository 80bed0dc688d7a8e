"""What writes cost, by DynamoDB's rules."""

import json
from typing import Any

import pytest

from tableferry.items import from_typed
from tableferry.local.faults.limits.shapes import Index, TableShape
from tableferry.local.faults.limits.writes import cost, writes_of

SHAPE = TableShape(
    ("pk", "sk"),
    {
        "all": Index(("day",), None, is_global=True),
        "keys": Index(("day", "hour"), frozenset({"pk", "sk", "day", "hour"}), is_global=True),
        "local": Index(("pk", "size"), frozenset({"pk", "sk", "size"}), is_global=False),
    },
)
PLAIN = TableShape(("pk", "sk"), {})


def item(**attributes: Any) -> dict[str, Any]:
    return {"pk": {"S": "p"}, "sk": {"N": "1"}, **attributes}


def kilobytes(count: float) -> dict[str, Any]:
    return {"S": "x" * int(count * 1024)}


def written(operation: str, **parameters: Any) -> list[Any]:
    return writes_of(operation, json.dumps(parameters).encode())


@pytest.mark.parametrize(("size", "units"), [(0, 1), (0.9, 1), (1, 2), (2.5, 3), (390, 391)])
def test_put_costs_a_unit_for_each_kilobyte_begun(size: float, units: int) -> None:
    (put,) = written("PutItem", TableName="t", Item=item(text=kilobytes(size)))
    assert cost(put, PLAIN).units == units
    assert cost(put, PLAIN).partition_key == "{'S': 'p'}"


def test_put_over_a_larger_item_costs_what_the_larger_one_did() -> None:
    (put,) = written("PutItem", TableName="t", Item=item())
    assert cost(put, PLAIN, from_typed(item(text=kilobytes(4.5)))).units == 5


def test_delete_costs_one_unit_or_what_it_removes() -> None:
    (delete,) = written("DeleteItem", TableName="t", Key=item())
    assert cost(delete, PLAIN).units == 1
    assert cost(delete, PLAIN, from_typed(item(text=kilobytes(4.5)))).units == 5


def test_global_indexes_cost_by_what_they_hold_and_local_ones_count_for_the_table() -> None:
    big = item(day={"S": "mo"}, hour={"N": "1"}, size={"N": "3"}, text=kilobytes(2.5))
    (put,) = written("PutItem", TableName="t", Item=big)
    charged = cost(put, SHAPE)
    assert charged.units == 3 + 1
    assert charged.index_units == {"all": 3.0, "keys": 1.0}
    assert charged.total == 8
    (put,) = written("PutItem", TableName="t", Item=item(day={"S": "mo"}))
    assert cost(put, SHAPE).index_units == {"all": 1.0}


def test_batch_keeps_the_order_of_its_entries_over_tables() -> None:
    arn = "arn:aws:dynamodb:us-east-1:111122223333:table/u"
    found = written(
        "BatchWriteItem",
        RequestItems={
            "t": [{"PutRequest": {"Item": item()}}, {"DeleteRequest": {"Key": item()}}],
            arn: [{"PutRequest": {"Item": item(a={"S": "x"})}}],
        },
    )
    assert [(each.table, each.whole) for each in found] == [("t", True), ("t", False), ("u", True)]


def test_transaction_costs_twice() -> None:
    actions = [
        {"Put": {"TableName": "t", "Item": item(text=kilobytes(1.5))}},
        {"ConditionCheck": {"TableName": "t", "Key": item(), "ConditionExpression": "a = b"}},
    ]
    found = written("TransactWriteItems", TransactItems=actions)
    assert [cost(each, PLAIN).units for each in found] == [4, 2]


def test_insert_statement_is_read_with_quotes_in_names() -> None:
    statement = {
        "Statement": "INSERT INTO \"t\" VALUE {'pk': ?, 'it''s': ?, 'sk' : ?}",
        "Parameters": [{"S": "p"}, kilobytes(1.5), {"N": "1"}],
    }
    (insert,) = written("BatchExecuteStatement", Statements=[statement])
    assert set(insert.item) == {"pk", "it's", "sk"}
    assert cost(insert, PLAIN).units == 2
    assert cost(insert, PLAIN).partition_key == "{'S': 'p'}"


def test_other_statements_count_as_one_unit() -> None:
    (update,) = written("ExecuteStatement", Statement="UPDATE \"t\" SET a=1 WHERE pk='p'")
    assert (update.table, cost(update, PLAIN).units) == ("t", 1)


def test_reading_writes_nothing() -> None:
    assert written("Scan", TableName="t") == []
