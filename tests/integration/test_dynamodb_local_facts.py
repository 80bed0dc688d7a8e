"""What the copy path relies on, asked from AWS's own engine."""

import json
import uuid
from collections.abc import Iterable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.fixtures import EngineUnderTest
from tests.support.hard_items import HARD_NAMES
from tests.support.table_data import Item, Keys, create_table, items, key_of, load

STATEMENT_BYTES = 8192


@pytest.fixture(scope="module")
def client(dynamodb_local: EngineUnderTest) -> Any:
    return dynamodb_local.client


@pytest.fixture
def table(client: Any) -> str:
    """A table with the string key `pk`."""
    return create_table(client, f"t-{uuid.uuid4().hex[:12]}", Keys("S"))


def insert(table: str, item: Item) -> dict[str, Any]:
    """One PartiQL INSERT of a whole item: names quoted, values as parameters."""
    names = ", ".join(f"'{quoted(name)}': ?" for name in item)
    text = f'INSERT INTO "{table}" VALUE {{{names}}}'
    return {"Statement": text, "Parameters": [*item.values()]}


def quoted(name: str) -> str:
    return name.replace("'", "''")


def plain(key: str, /, **attributes: Any) -> Item:
    return {"pk": {"S": key}, **attributes}


def stored(client: Any, table: str, name: str) -> Item:
    found = client.get_item(TableName=table, Key=plain(name), ConsistentRead=True)
    return dict(found["Item"])


def insert_all(client: Any, table: str, rows: Iterable[Item]) -> list[str | None]:
    """The error codes of one batch of INSERTs, in order; None where the item was inserted."""
    statements = [insert(table, item) for item in rows]
    responses = client.batch_execute_statement(Statements=statements)["Responses"]
    return [response.get("Error", {}).get("Code") for response in responses]


def refusal(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_each_duplicate_of_a_batch_fails_alone_and_keeps_what_was_there(
    client: Any, table: str
) -> None:
    load(client, table, [plain(f"k{n}", v={"S": "old"}) for n in range(0, 25, 2)])
    codes = insert_all(client, table, [plain(f"k{n}", v={"S": "new"}) for n in range(25)])
    assert codes == ["DuplicateItem" if n % 2 == 0 else None for n in range(25)]
    assert [stored(client, table, f"k{n}")["v"]["S"] for n in (0, 1)] == ["old", "new"]


def test_every_name_with_its_quotes_doubled_is_inserted_as_it_is(client: Any, table: str) -> None:
    rows = [plain(f"k{n}", **{name: {"S": name}}) for n, name in enumerate(HARD_NAMES)]
    for start in range(0, len(rows), 25):
        codes = insert_all(client, table, rows[start : start + 25])
        assert codes == [None] * len(codes)
    for n, row in enumerate(rows):
        assert stored(client, table, f"k{n}") == row


@pytest.mark.parametrize(
    "attributes",
    [{"": {"S": "x"}}, {"m": {"M": {"": {"S": "x"}}}}, {"l": {"L": [{"M": {"": {"S": "x"}}}]}}],
    ids=["top", "map", "map in a list"],
)
def test_empty_name_is_refused_at_any_depth(client: Any, table: str, attributes: Item) -> None:
    code, message = refusal(client.put_item, TableName=table, Item=plain("a", **attributes))
    assert (code, message) == ("ValidationException", "Empty attribute name")


def test_item_of_exactly_400_kb_is_inserted_and_one_byte_more_fails_alone(
    client: Any, table: str
) -> None:
    room = 400 * 1024 - len("pk") - len("k1") - len("text")
    rows = [
        plain("k1", text={"S": "x" * room}),
        plain("k2", text={"S": "x" * (room + 1)}),
        plain("k3"),
    ]
    assert insert_all(client, table, rows) == [None, "ValidationError", None]
    code, _ = refusal(client.put_item, TableName=table, Item=rows[1])
    assert code == "ValidationException"


def test_25_items_of_390_kb_are_one_batch(client: Any, table: str) -> None:
    rows = [plain(f"k{n}", text={"S": "x" * (390 * 1024)}) for n in range(25)]
    assert insert_all(client, table, rows) == [None] * 25


def test_same_key_twice_refuses_the_whole_batch(client: Any, table: str) -> None:
    rows = [plain("other"), plain("twice", v={"N": "1"}), plain("twice", v={"N": "2"})]
    puts = [{"PutRequest": {"Item": row}} for row in rows]
    code, message = refusal(client.batch_write_item, RequestItems={table: puts})
    assert (code, "duplicates" in message) == ("ValidationException", True)
    assert client.scan(TableName=table)["Count"] == 0


def test_same_key_twice_refuses_a_batch_of_inserts_after_it_wrote_what_came_before(
    client: Any, table: str
) -> None:
    """So a refused request is no proof that nothing was written."""
    rows = [plain("other"), plain("twice", v={"N": "1"}), plain("twice", v={"N": "2"})]
    statements = [insert(table, row) for row in rows]
    code, message = refusal(client.batch_execute_statement, Statements=statements)
    assert (code, "duplicates" in message) == ("ValidationException", True)
    assert stored(client, table, "other") == plain("other")
    assert stored(client, table, "twice")["v"] == {"N": "1"}


def test_number_keys_of_one_value_are_the_same_key_however_they_are_spelt(client: Any) -> None:
    table = create_table(client, f"t-{uuid.uuid4().hex[:12]}", Keys("N"))
    puts = [{"PutRequest": {"Item": {"pk": {"N": text}}}} for text in ("1.0", "1")]
    code, message = refusal(client.batch_write_item, RequestItems={table: puts})
    assert code == "ValidationException"
    assert "duplicates" in message


@pytest.mark.parametrize(
    "item",
    [
        {"other": {"S": "x"}},
        {"pk": {"N": "1"}},
        {"pk": {"S": ""}},
        {"pk": {"S": "x"}, "set": {"SS": []}},
        {"pk": {"S": "x"}, "n": {"N": "1E+126"}},
        {"pk": {"S": "x"}, "n": {"N": "123456789012345678901234567890123456789"}},
    ],
    ids=["no key", "key of another type", "empty key", "empty set", "too large", "39 digits"],
)
def test_item_that_dynamodb_can_not_hold_is_refused(client: Any, table: str, item: Item) -> None:
    code, _ = refusal(client.put_item, TableName=table, Item=item)
    assert code == "ValidationException"


@pytest.mark.parametrize(
    "item",
    [{"other": {"S": "x"}}, {"pk": {"N": "1"}}, {"pk": {"S": ""}}],
    ids=["no key", "key of another type", "empty key"],
)
def test_one_bad_item_of_a_batch_of_inserts_fails_alone(
    client: Any, table: str, item: Item
) -> None:
    codes = insert_all(client, table, [plain("a"), item, plain("b")])
    assert codes == [None, "ValidationError", None]


def test_statement_may_have_8192_bytes_of_utf_8_and_no_more(client: Any, table: str) -> None:
    def longest(letter: str) -> Item:
        """An item with one attribute, whose name fills the statement up to the limit."""
        used = len(insert(table, plain(letter, **{"": {"N": "1"}}))["Statement"].encode())
        times = (STATEMENT_BYTES - used) // len(letter.encode())
        return plain(letter, **{letter * times: {"N": "1"}})

    for letter in ("x", "ä"):
        fitting = insert(table, longest(letter))
        assert STATEMENT_BYTES - 2 < len(fitting["Statement"].encode()) <= STATEMENT_BYTES
        answer = client.batch_execute_statement(Statements=[fitting])
        assert "Error" not in answer["Responses"][0]
        over = {**fitting, "Statement": fitting["Statement"] + "  "}
        code, _ = refusal(client.batch_execute_statement, Statements=[over])
        assert code == "ValidationException"


@pytest.mark.parametrize(
    ("written", "read"),
    [("1.10", "1.1"), ("1E2", "100"), ("-0", "0"), ("007", "7"), ("1E-130", "1E-130")],
)
def test_numbers_are_normalised_on_every_way_in(
    client: Any, table: str, written: str, read: str
) -> None:
    client.put_item(TableName=table, Item=plain("put", n={"N": written}))
    assert insert_all(client, table, [plain("insert", n={"N": written})]) == [None]
    found = [stored(client, table, name)["n"]["N"] for name in ("put", "insert")]
    if "E" in read:  # tiny ones may come back with all their zeros
        assert [float(text) for text in found] == [float(read)] * 2
    else:
        assert found == [read, read]


def test_whole_item_as_one_parameter_is_refused(client: Any, table: str) -> None:
    statement = {"Statement": f'INSERT INTO "{table}" VALUE ?', "Parameters": [{"M": plain("a")}]}
    code = None
    try:
        response = client.batch_execute_statement(Statements=[statement])["Responses"][0]
        code = response.get("Error", {}).get("Code")
    except ClientError as error:
        code = error.response["Error"]["Code"]
    assert code in ("ValidationError", "ValidationException")


def test_more_than_25_of_anything_is_refused(client: Any, table: str) -> None:
    rows = [plain(f"k{n}") for n in range(26)]
    puts = [{"PutRequest": {"Item": row}} for row in rows]
    statements = [insert(table, row) for row in rows]
    assert refusal(client.batch_write_item, RequestItems={table: puts})[0] == "ValidationException"
    code, _ = refusal(client.batch_execute_statement, Statements=statements)
    assert code == "ValidationException"


@pytest.mark.parametrize("keys", [Keys("S"), Keys("N", "B"), Keys("B", "S")], ids=str)
@pytest.mark.parametrize("segments", [1, 7, 64])
def test_parallel_scan_finds_each_item_once_and_a_partition_in_one_segment(
    client: Any, keys: Keys, segments: int
) -> None:
    table = create_table(client, f"t-{uuid.uuid4().hex[:12]}", keys)
    rows = [item for item in items(keys, 60, seed=segments) if len(repr(item)) < 10_000]
    load(client, table, rows)
    where: dict[str, set[int]] = {}
    found = []
    for segment in range(segments):
        pages = client.get_paginator("scan").paginate(
            TableName=table, Segment=segment, TotalSegments=segments, ConsistentRead=True
        )
        for page in pages:
            for item in page["Items"]:
                found.append(identity(key_of(keys, item)))
                where.setdefault(identity(item["pk"]), set()).add(segment)
    assert sorted(found) == sorted(identity(key_of(keys, row)) for row in rows)
    assert all(len(each) == 1 for each in where.values())


def identity(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=bytes.hex)


def test_scan_of_a_segment_goes_on_from_its_own_last_key_only(client: Any, table: str) -> None:
    load(client, table, [plain(f"k{n}") for n in range(40)])
    first = client.scan(TableName=table, Segment=0, TotalSegments=2, Limit=3)
    position = first["LastEvaluatedKey"]
    code, _ = refusal(
        client.scan, TableName=table, Segment=1, TotalSegments=2, ExclusiveStartKey=position
    )
    assert code == "ValidationException"
