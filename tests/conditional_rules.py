"""What a repair counts on in conditional writes, against AWS's own engine and against the fake.

A subclass gives the fixture `dynamo`: a `dynamo_rules.Bench`.
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tableferry.items import from_typed
from tableferry.repair.conditional_writes import ConditionalWrite, changes, deletion, insertion
from tests.dynamo_rules import Bench
from tests.memory_table import Item, plain

KEY: Item = {"pk": {"S": "a"}, "sk": {"N": "1"}}
NAMES = ("pk", "sk")
EVERY_TYPE: Item = {
    **KEY,
    "s": {"S": "ü\n'\""},
    "n": {"N": "1.50"},
    "b": {"B": "AAEC"},
    "bool": {"BOOL": False},
    "null": {"NULL": True},
    "ss": {"SS": ["a", "b", "c"]},
    "ns": {"NS": ["1", "2.50"]},
    "bs": {"BS": ["AA==", "AQ=="]},
    "l": {"L": [{"N": "1.0"}, {"M": {"x": {"SS": ["q", "p"]}}}, {"L": []}]},
    "m": {"M": {"deep": {"M": {"n": {"N": "1E3"}}}, "empty": {"M": {}}}},
    "": {"S": "x"},
    "a.b[0]": {"S": "odd"},
    "size": {"S": "reserved"},
    "'quoted' \"twice\" \\": {"S": "x"},
    "empty": {"S": ""},
}
del EVERY_TYPE[""]
WANTED: Item = {
    **KEY,
    "s": {"N": "1"},
    "n": {"N": "1.5"},
    "l": {"L": []},
    "new": {"M": {"x": {"BS": ["AA=="]}}},
    "ss": {"SS": ["c", "b", "d"]},
}


def send(dynamo: Bench, write: ConditionalWrite) -> Any:
    return json.loads(dynamo.client.call(write.operation, write.body))


def held(dynamo: Bench, table: str) -> Item | None:
    found = dynamo.call(
        "BatchGetItem", RequestItems={table: {"Keys": [KEY], "ConsistentRead": True}}
    )
    items: list[Item] = found["Responses"][table]
    return items[0] if items else None


def refused(dynamo: Bench, write: ConditionalWrite) -> bool:
    with pytest.raises(ClientError) as caught:
        send(dynamo, write)
    return caught.value.response["Error"]["Code"] == "ConditionalCheckFailedException"


class ConditionalRules:
    def test_an_item_is_inserted_once(self, dynamo: Bench) -> None:
        table = dynamo.table()
        write = insertion(table, from_typed(EVERY_TYPE), NAMES)
        send(dynamo, write)
        assert refused(dynamo, write)

    def test_an_item_of_every_type_becomes_another(self, dynamo: Bench) -> None:
        table = dynamo.table()
        dynamo.write(table, EVERY_TYPE)
        [write] = changes(table, from_typed(EVERY_TYPE), from_typed(WANTED), NAMES)
        send(dynamo, write)
        assert plain({"M": held(dynamo, table)}) == plain({"M": WANTED})

    def test_values_count_whatever_their_spelling(self, dynamo: Bench) -> None:
        table = dynamo.table()
        dynamo.write(table, EVERY_TYPE)
        seen = {
            **EVERY_TYPE,
            "n": {"N": "15E-1"},
            "ss": {"SS": ["c", "a", "b"]},
            "l": {"L": [{"N": "1"}, {"M": {"x": {"SS": ["p", "q"]}}}, {"L": []}]},
        }
        send(dynamo, deletion(table, from_typed(seen), NAMES))
        assert held(dynamo, table) is None

    @pytest.mark.parametrize(
        "other",
        [
            {"n": {"S": "1.50"}},
            {"ss": {"SS": ["a", "b"]}},
            {"m": {"M": {"deep": {"M": {"n": {"N": "1001"}}}, "empty": {"M": {}}}}},
            {"null": {"BOOL": True}},
        ],
    )
    def test_what_is_another_by_now_is_not_changed_or_deleted(
        self, dynamo: Bench, other: Item
    ) -> None:
        table = dynamo.table()
        dynamo.write(table, {**EVERY_TYPE, **other})
        [change] = changes(table, from_typed(EVERY_TYPE), from_typed(WANTED), NAMES)
        assert refused(dynamo, change)
        assert refused(dynamo, deletion(table, from_typed(EVERY_TYPE), NAMES))
        assert plain({"M": held(dynamo, table)}) == plain({"M": {**EVERY_TYPE, **other}})

    def test_what_is_gone_by_now_is_not_made_anew(self, dynamo: Bench) -> None:
        table = dynamo.table()
        [change] = changes(table, from_typed(KEY), from_typed(WANTED), NAMES)
        assert refused(dynamo, change)
        assert refused(dynamo, deletion(table, from_typed(KEY), NAMES))
        assert held(dynamo, table) is None

    def test_an_attribute_that_was_added_stays_through_a_change(self, dynamo: Bench) -> None:
        table = dynamo.table()
        dynamo.write(table, {**EVERY_TYPE, "theirs": {"S": "x"}})
        [change] = changes(table, from_typed(EVERY_TYPE), from_typed(WANTED), NAMES)
        send(dynamo, change)
        expected = {**WANTED, "theirs": {"S": "x"}}
        assert plain({"M": held(dynamo, table)}) == plain({"M": expected})

    def test_a_delete_brings_the_old_item_with_what_was_added(self, dynamo: Bench) -> None:
        table = dynamo.table()
        dynamo.write(table, {**EVERY_TYPE, "theirs": {"S": "x"}})
        answer = send(dynamo, deletion(table, from_typed(EVERY_TYPE), NAMES))
        assert answer["Attributes"]["theirs"] == {"S": "x"}

    def test_very_many_attributes_are_within_every_limit(self, dynamo: Bench) -> None:
        table = dynamo.table()
        many = {**KEY, **{f"attribute-{n}": {"S": "x" * 300} for n in range(400)}}
        wanted = {**KEY, **{f"attribute-{n}": {"S": "y" * 300} for n in range(200, 600)}}
        dynamo.write(table, many)
        for change in changes(table, from_typed(many), from_typed(wanted), NAMES):
            send(dynamo, change)
        assert plain({"M": held(dynamo, table)}) == plain({"M": wanted})
        send(dynamo, deletion(table, from_typed(wanted), NAMES))
        assert held(dynamo, table) is None
