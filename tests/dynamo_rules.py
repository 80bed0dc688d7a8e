"""What the copy path counts on in DynamoDB, as tests against AWS's own engine and against the fake.

A subclass gives the fixture `dynamo`: a `Bench`.
"""

import json
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from botocore.exceptions import ClientError

from tableferry.aws.wire import WireClient

KEYS = {"pk": "S", "sk": "N"}


class Maker(Protocol):
    def __call__(self, keys: dict[str, str], index_keys: dict[str, str]) -> str: ...


@dataclass(frozen=True, slots=True)
class Bench:
    """An engine: its wire client, and how a table is made in it."""

    client: WireClient
    make: Maker

    def table(self, keys: dict[str, str] | None = None, **index_keys: str) -> str:
        return self.make(keys or KEYS, index_keys)

    def call(self, operation: str, **body: Any) -> Any:
        return json.loads(self.client.call(operation, body))

    def write(self, table: str, *items: dict[str, Any]) -> Any:
        requests = [{"PutRequest": {"Item": each}} for each in items]
        return self.call("BatchWriteItem", RequestItems={table: requests})

    def insert(self, table: str, *items: dict[str, Any]) -> list[str]:
        """The error code of each item's INSERT."""
        statements = [
            {
                "Statement": f'INSERT INTO "{table}" VALUE {{'
                + ", ".join("'" + name.replace("'", "''") + "': ?" for name in each)
                + "}",
                "Parameters": list(each.values()),
            }
            for each in items
        ]
        answer = self.call("BatchExecuteStatement", Statements=statements)
        return [each.get("Error", {}).get("Code", "") for each in answer["Responses"]]

    def scan(self, table: str, segment: int = 0, segments: int = 1, **more: Any) -> Any:
        more |= {"ConsistentRead": True, "Segment": segment, "TotalSegments": segments}
        return self.call("Scan", TableName=table, **more)

    def content(self, table: str) -> list[Any]:
        return sorted(self.scan(table)["Items"], key=str)


def item(number: int, **more: Any) -> dict[str, Any]:
    return {"pk": {"S": f"p{number % 10}"}, "sk": {"N": str(number)}, **more}


def refused(action: Any, *words: Any, **named: Any) -> str:
    with pytest.raises(ClientError) as caught:
        action(*words, **named)
    return str(caught.value.response["Error"]["Code"])


def text(length: int) -> dict[str, Any]:
    return {"S": "x" * length}


# pk and sk with their values: 2 + 2, and 2 + 2 for a number of two digits at most.
LARGEST = 400 * 1024 - len("pk") - len("p1") - len("sk") - 2 - len("text")

# Refused for what this table is; each by itself in a batch of statements.
BAD_HERE = [
    pytest.param({"pk": {"S": "p"}}, id="no-sort-key"),
    pytest.param({"pk": {"N": "1"}, "sk": {"N": "1"}}, id="key-of-another-type"),
    pytest.param({"pk": {"S": ""}, "sk": {"N": "1"}}, id="empty-key"),
    pytest.param(item(1, text=text(LARGEST + 1)), id="over-400-KB"),
    pytest.param(item(1, origin={"S": ""}), id="empty-index-key"),
    pytest.param(item(1, origin={"N": "1"}), id="index-key-of-another-type"),
]
# No table takes these: they refuse a batch of statements whole, too.
BAD_ANYWHERE = [
    pytest.param(item(1, tags={"SS": []}), id="empty-set"),
    pytest.param(item(1, n={"N": "1" * 39}), id="39-digits"),
    pytest.param(item(1, n={"L": [{"N": "1" * 39}]}), id="39-digits-within"),
]


class DynamoRules:
    # --- BatchWriteItem ---

    def test_a_batch_holds_1_to_25(self, dynamo: Bench) -> None:
        table = dynamo.table()
        assert dynamo.write(table, *map(item, range(25)))["UnprocessedItems"] == {}
        assert refused(dynamo.write, table, *map(item, range(26))) == "ValidationException"
        assert refused(dynamo.write, table) == "ValidationException"
        assert len(dynamo.content(table)) == 25

    def test_a_batch_with_one_key_twice_is_refused_whole(self, dynamo: Bench) -> None:
        table = dynamo.table()
        twice = {**item(1), "sk": {"N": "1.0"}}
        assert refused(dynamo.write, table, item(1), item(2), twice) == "ValidationException"
        assert dynamo.content(table) == []

    @pytest.mark.parametrize("bad", BAD_HERE + BAD_ANYWHERE)
    def test_a_batch_with_a_bad_item_is_refused_whole(
        self, dynamo: Bench, bad: dict[str, Any]
    ) -> None:
        table = dynamo.table(origin="S")
        assert refused(dynamo.write, table, item(5), bad) == "ValidationException"
        assert dynamo.content(table) == []

    def test_the_largest_item_is_taken(self, dynamo: Bench) -> None:
        table = dynamo.table()
        dynamo.write(table, item(1, text=text(LARGEST)))
        assert dynamo.insert(table, item(2, text=text(LARGEST))) == [""]

    def test_a_delete_of_nothing_is_no_error(self, dynamo: Bench) -> None:
        table = dynamo.table()
        dynamo.write(table, item(1))
        deletes = [{"DeleteRequest": {"Key": item(number)}} for number in (1, 2)]
        answer = dynamo.call("BatchWriteItem", RequestItems={table: deletes})
        assert answer["UnprocessedItems"] == {}
        assert dynamo.content(table) == []

    def test_a_table_that_is_not_there_has_a_code_of_its_own(self, dynamo: Bench) -> None:
        missing = refused(dynamo.write, "not-there", item(1))
        assert missing == refused(dynamo.scan, "not-there") == "ResourceNotFoundException"

    def test_numbers_are_trimmed(self, dynamo: Bench) -> None:
        table = dynamo.table()
        dynamo.write(table, item(1, n={"N": "1.10"}, many={"NS": ["1E2"]}, zero={"N": "-0"}))
        dynamo.insert(table, item(2, n={"N": "1.10"}, many={"NS": ["1E2"]}, zero={"N": "-0"}))
        for found in dynamo.content(table):
            assert found["n"] == {"N": "1.1"}
            assert found["many"] == {"NS": ["100"]}
            assert found["zero"] == {"N": "0"}

    # --- INSERT ---

    def test_a_statement_answers_for_itself(self, dynamo: Bench) -> None:
        table = dynamo.table(origin="S")
        dynamo.write(table, item(1, old=text(1)))
        codes = dynamo.insert(table, item(0), item(1), {"pk": {"S": "p"}}, item(3))
        assert codes == ["", "DuplicateItem", "ValidationError", ""]
        assert [each["sk"]["N"] for each in dynamo.content(table)] == ["0", "1", "3"]
        assert "old" in dynamo.content(table)[1]

    @pytest.mark.parametrize("bad", BAD_HERE)
    def test_a_bad_items_statement_alone_is_refused(
        self, dynamo: Bench, bad: dict[str, Any]
    ) -> None:
        table = dynamo.table(origin="S")
        assert dynamo.insert(table, item(5), bad) == ["", "ValidationError"]

    @pytest.mark.parametrize("bad", BAD_ANYWHERE)
    def test_a_value_that_no_table_takes_refuses_the_statements_whole(
        self, dynamo: Bench, bad: dict[str, Any]
    ) -> None:
        assert refused(dynamo.insert, dynamo.table(), item(5), bad) == "ValidationException"

    def test_statements_with_one_key_twice_are_refused_whole(self, dynamo: Bench) -> None:
        # DynamoDB Local has written those before by then: a refusal proves nothing.
        table = dynamo.table()
        assert refused(dynamo.insert, table, item(1), item(2), item(1)) == "ValidationException"

    def test_at_most_25_statements(self, dynamo: Bench) -> None:
        table = dynamo.table()
        assert refused(dynamo.insert, table, *map(item, range(26))) == "ValidationException"

    def test_a_statement_has_8192_bytes_at_most(self, dynamo: Bench) -> None:
        table = dynamo.table()
        fixed = len(f"INSERT INTO \"{table}\" VALUE {{'pk': ?, 'sk': ?, '': ?}}")
        longest = item(1, **{"ü" * ((8192 - fixed) // 2): {"NULL": True}})
        assert dynamo.insert(table, longest) == [""]
        longer = item(2, **{"ü" * ((8192 - fixed) // 2 + 1): {"NULL": True}})
        assert refused(dynamo.insert, table, longer) == "ValidationException"

    # --- PutItem, BatchGetItem ---

    def test_a_put_on_condition_overwrites_nothing(self, dynamo: Bench) -> None:
        table = dynamo.table()
        put = {
            "TableName": table,
            "ConditionExpression": "attribute_not_exists(#k0)",
            "ExpressionAttributeNames": {"#k0": "pk"},
        }
        dynamo.call("PutItem", Item=item(1), **put)
        again = refused(dynamo.call, "PutItem", Item=item(1, new=text(1)), **put)
        assert again == "ConditionalCheckFailedException"
        bad = refused(dynamo.call, "PutItem", Item={"pk": {"S": "p"}}, **put)
        assert bad == "ValidationException"
        assert dynamo.content(table) == [item(1)]

    def test_a_batch_of_gets_leaves_out_what_is_not_there(self, dynamo: Bench) -> None:
        table = dynamo.table()
        dynamo.write(table, item(1), item(3))
        wanted = {"Keys": [item(n) for n in range(5)], "ConsistentRead": True}
        answer = dynamo.call("BatchGetItem", RequestItems={table: wanted})
        assert sorted(each["sk"]["N"] for each in answer["Responses"][table]) == ["1", "3"]
        assert answer["UnprocessedKeys"] == {}
        for keys in ([item(1), item(1)], [item(n) for n in range(101)]):
            asked = {table: {"Keys": keys}}
            assert refused(dynamo.call, "BatchGetItem", RequestItems=asked) == "ValidationException"

    # --- Scan ---

    @pytest.mark.parametrize("segments", [1, 3, 16])
    def test_the_segments_together_hold_each_item_once(self, dynamo: Bench, segments: int) -> None:
        table = dynamo.table()
        for start in range(0, 100, 25):
            dynamo.write(table, *map(item, range(start, start + 25)))
        found: list[str] = []
        for segment in range(segments):
            start_key: dict[str, Any] = {}
            while True:
                page = dynamo.scan(table, segment, segments, Limit=7, **start_key)
                assert page["Count"] == len(page["Items"]) <= 7
                found += [each["sk"]["N"] for each in page["Items"]]
                if "LastEvaluatedKey" not in page:
                    break
                start_key = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        assert sorted(map(int, found)) == list(range(100))

    def test_a_page_that_its_limit_ends_says_where_it_ended_even_at_the_last_item(
        self, dynamo: Bench
    ) -> None:
        table = dynamo.table()
        dynamo.write(table, item(1), item(11))
        page = dynamo.scan(table, Limit=2)
        assert page["LastEvaluatedKey"] == {"pk": {"S": "p1"}, "sk": {"N": "11"}}
        rest = dynamo.scan(table, ExclusiveStartKey=page["LastEvaluatedKey"])
        assert (rest["Count"], rest.get("LastEvaluatedKey")) == (0, None)

    def test_a_page_has_about_a_megabyte(self, dynamo: Bench) -> None:
        table = dynamo.table()
        for number in range(5):
            dynamo.write(table, item(number * 10, text=text(300_000)))
        page = dynamo.scan(table)
        assert page["Count"] == 4
        assert page["LastEvaluatedKey"]["sk"] == {"N": "30"}

    def test_a_count_has_no_items_and_a_projection_only_its_names(self, dynamo: Bench) -> None:
        table = dynamo.table()
        dynamo.write(table, item(1, text=text(5)))
        assert "Items" not in dynamo.scan(table, Select="COUNT")
        names = {"#k0": "pk", "#k1": "sk"}
        page = dynamo.scan(table, ProjectionExpression="#k0, #k1", ExpressionAttributeNames=names)
        assert page["Items"] == [item(1)]
