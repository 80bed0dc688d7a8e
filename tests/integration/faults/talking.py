"""What the tests of the fault proxy say to a table, and what they find there."""

from collections.abc import Iterable
from typing import Any


def item(name: str, **attributes: Any) -> dict[str, Any]:
    return {"id": {"S": name}, **attributes}


def puts(table: str, names: Iterable[str]) -> dict[str, Any]:
    """The parameters of a BatchWriteItem that puts items of those names."""
    return {"RequestItems": {table: [{"PutRequest": {"Item": item(name)}} for name in names]}}


def inserts(table: str, names: Iterable[str]) -> dict[str, Any]:
    """The parameters of a BatchExecuteStatement that inserts items of those names."""
    text = f"INSERT INTO \"{table}\" VALUE {{'id': ?}}"
    return {"Statements": [{"Statement": text, "Parameters": [{"S": name}]} for name in names]}


def put_names(requests: Iterable[dict[str, Any]]) -> set[str]:
    return {request["PutRequest"]["Item"]["id"]["S"] for request in requests}


def names_in(engine: Any, table: str) -> set[str]:
    found = engine.scan(TableName=table, ConsistentRead=True)
    assert "LastEvaluatedKey" not in found
    return {each["id"]["S"] for each in found["Items"]}
