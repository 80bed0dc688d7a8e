"""The tests' own data against AWS's engine: it takes all of it, and gives back the same."""

import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fixtures import EngineUnderTest
from tests.support.hard_items import HARD_ATTRIBUTES
from tests.support.independent_compare import (
    assert_moved,
    compare,
    differences,
    main,
    read_table,
)
from tests.support.item_strategies import items as any_items
from tests.support.table_data import (
    ALL_KEYS,
    Item,
    Keys,
    create_table,
    hard_items,
    items,
    key_of,
    load,
)

COUNT = len(HARD_ATTRIBUTES) + 60
PAIR = Keys("S", "N")


@pytest.fixture(scope="module")
def client(dynamodb_local: EngineUnderTest) -> Any:
    return dynamodb_local.client


def new_table(client: Any, keys: Keys) -> str:
    return create_table(client, f"t-{uuid.uuid4().hex[:12]}", keys)


@pytest.mark.parametrize("keys", ALL_KEYS, ids=str)
def test_engine_takes_every_item_and_gives_it_back(client: Any, keys: Keys) -> None:
    table = new_table(client, keys)
    rows = list(items(keys, COUNT, seed=1))
    assert load(client, table, rows) == COUNT
    assert compare(rows, read_table(client, table), keys.names) == []


@pytest.fixture(scope="module")
def pair_table(client: Any) -> str:
    return new_table(client, PAIR)


@given(item=any_items(PAIR))
@settings(max_examples=60)
def test_engine_takes_whatever_the_strategies_make(
    client: Any, pair_table: str, item: Item
) -> None:
    client.put_item(TableName=pair_table, Item=item)
    key = key_of(PAIR, item)
    found = client.get_item(TableName=pair_table, Key=key, ConsistentRead=True)
    assert compare([item], [found["Item"]], PAIR.names) == []


def test_faults_planted_in_a_copied_table_are_found(client: Any) -> None:
    keys = Keys("S")
    source, destination = new_table(client, keys), new_table(client, keys)
    rows = list(items(keys, COUNT))
    load(client, source, rows)
    load(client, destination, rows)
    assert_moved(client, source, destination)
    missing, changed = rows[30], rows[40]
    client.delete_item(TableName=destination, Key=key_of(keys, missing))
    client.put_item(TableName=destination, Item=changed | {"planted": {"S": "x"}})
    client.put_item(TableName=destination, Item={"pk": {"S": "extra"}})
    found = {
        each.key["pk"]["S"]: (each.path, each.expected is None, each.found is None)
        for each in differences(client, source, destination)
    }
    assert found == {
        missing["pk"]["S"]: ("", False, True),
        changed["pk"]["S"]: (".'planted'", True, False),
        "extra": ("", True, False),
    }
    with pytest.raises(AssertionError, match="3 differences"):
        assert_moved(client, source, destination)


def test_program_prints_each_difference_and_ends_with_1(
    dynamodb_local: EngineUnderTest, client: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = Keys("S")
    source, destination = new_table(client, keys), new_table(client, keys)
    load(client, source, [{"pk": {"S": "only here"}}])
    arguments = ["--endpoint-url", dynamodb_local.endpoint_url, source, destination]
    assert main(arguments) == 1
    assert "only here" in capsys.readouterr().out
    load(client, destination, [{"pk": {"S": "only here"}}])
    assert main(arguments) == 0
    assert capsys.readouterr().out == "0 differences\n"


def test_transform_of_the_test_is_put_on_the_source(client: Any) -> None:
    keys = Keys("S")
    source, destination = new_table(client, keys), new_table(client, keys)
    load(client, source, [{"pk": {"S": f"k{n}"}, "old": {"N": str(n)}} for n in range(10)])
    load(client, destination, [{"pk": {"S": f"k{n}"}, "new": {"N": f"{n}.0"}} for n in range(5)])

    def transform(item: Item) -> Item | None:
        if int(item["old"]["N"]) >= 5:
            return None
        return {"pk": item["pk"], "new": item["old"]}

    assert_moved(client, source, destination, transform)


@given(st.data())
@settings(max_examples=5)
def test_hard_items_are_the_same_for_every_call(data: st.DataObject) -> None:
    keys = data.draw(st.sampled_from(ALL_KEYS))
    assert list(items(keys, 40, seed=3)) == list(items(keys, 40, seed=3))
    assert list(hard_items(keys)) == [case.name for case in HARD_ATTRIBUTES]
