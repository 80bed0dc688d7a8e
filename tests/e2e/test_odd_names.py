"""Attribute names are data: key attributes too may have any name."""

from typing import Any

from tests.e2e.stack import Stack
from tests.support import table_data
from tests.support.hard_items import HARD_NAMES
from tests.support.independent_compare import assert_moved, read_table

PARTITION, SORT = 'it\'s a "key" \\ \n😀', "select"
NEW_NAME = "; --'\"\\\n🜁 where"
NAMES = {name: {"S": name} for name in HARD_NAMES}


def _items(count: int, text: str) -> list[dict[str, Any]]:
    return [
        {
            PARTITION: {"S": f"'{number}\\"},
            SORT: {"N": str(number)},
            "map": {"M": {"": {"S": "no name"}, **NAMES}},
            "text": {"S": text},
            **{name: value for name, value in NAMES.items() if number % 5 == 0},
        }
        for number in range(count)
    ]


def _renamed(item: dict[str, Any]) -> dict[str, Any]:
    return {NEW_NAME if name == "map" else name: value for name, value in item.items()}


def test_odd_names_are_cleaned_copied_inserted_and_counted(stack: Stack) -> None:
    client = stack.dynamodb
    source, destination = _create(stack), _create(stack)
    table_data.load(client, source, _items(60, "new"))
    table_data.load(client, destination, _items(80, "stale"))
    fields: dict[str, Any] = {
        "segments": 2,
        "transform": [{"rename": {"from": "map", "to": NEW_NAME}}],
    }

    cleaned = stack.spec(source, destination, cleanDestination=True, undo="none", **fields)
    assert stack.output(stack.start(cleaned))["copy"]["written"] == 60
    assert_moved(client, source, destination, _renamed)

    for item in _items(25, "")[5:]:
        key = {name: item[name] for name in (PARTITION, SORT)}
        client.delete_item(TableName=destination, Key=key)
    table_data.load(client, destination, _items(5, "theirs"))
    kept = stack.spec(source, destination, onExisting="keep", **fields)
    copied = stack.output(stack.start(kept))["copy"]
    assert (copied["written"], copied["skipped"]) == (55, 5)
    theirs = [item for item in read_table(client, destination) if item["text"]["S"] == "theirs"]
    assert len(theirs) == 5
    table_data.load(client, destination, map(_renamed, _items(5, "new")))
    assert_moved(client, source, destination, _renamed)


def _create(stack: Stack) -> str:
    name = stack.new_name()
    stack.dynamodb.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": PARTITION, "KeyType": "HASH"},
            {"AttributeName": SORT, "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": PARTITION, "AttributeType": "S"},
            {"AttributeName": SORT, "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return name
