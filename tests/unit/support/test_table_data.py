"""The tests' own data: deterministic, with every type, within DynamoDB's limits."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from tableferry.item_size import MAX_ITEM_BYTES, item_bytes
from tableferry.items import WireItem, from_typed
from tests.support.hard_items import HARD_ATTRIBUTES, LEVELS, nested
from tests.support.independent_compare import by_key
from tests.support.item_strategies import numbers
from tests.support.table_data import ALL_KEYS, Item, Keys, hard_items, items, key_of

EVERY_TYPE = {"S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"}


def types_in(value: Any) -> set[str]:
    found: set[str] = set()
    for kind, content in value.items():
        found.add(kind)
        inner = content if kind == "L" else content.values() if kind == "M" else ()
        found |= {each for member in inner for each in types_in(member)}
    return found


def wire(item: Item) -> WireItem:
    """The size of binaries is what counts here, not what they hold."""

    def plain(value: dict[str, Any]) -> dict[str, Any]:
        ((kind, content),) = value.items()
        if kind == "B":
            return {"S": "x" * len(content)}
        if kind == "BS":
            return {"SS": ["x" * len(member) for member in content]}
        if kind == "L":
            return {kind: [plain(member) for member in content]}
        if kind == "M":
            return {kind: {name: plain(member) for name, member in content.items()}}
        return value

    return from_typed({name: plain(value) for name, value in item.items()})


@pytest.mark.parametrize("keys", ALL_KEYS, ids=str)
def test_same_seed_gives_the_same_items_with_keys_of_their_own(keys: Keys) -> None:
    rows = list(items(keys, 500, seed=4))
    assert rows == list(items(keys, 500, seed=4))
    assert rows[100:] != list(items(keys, 500, seed=5))[100:]
    assert len(by_key(rows, keys.names)) == 500


def test_random_items_have_every_type_and_stay_small() -> None:
    rows = list(items(Keys("S"), 300))[len(HARD_ATTRIBUTES) :]
    assert {
        kind for row in rows for value in row.values() for kind in types_in(value)
    } == EVERY_TYPE
    assert max(item_bytes(wire(row)) for row in rows) < 4096


@pytest.mark.parametrize("keys", [Keys("S"), Keys("N", "B")], ids=str)
def test_hard_cases_are_named_and_within_the_limits(keys: Keys) -> None:
    cases = hard_items(keys)
    sizes = {name: item_bytes(wire(item)) for name, item in cases.items()}
    assert max(sizes.values()) <= MAX_ITEM_BYTES
    assert [n for n, size in sizes.items() if size > 380 * 1024] == [
        "390 KB of text",
        "390 KB of bytes",
        "390 KB of many",
    ]
    assert cases["keys only"] == key_of(keys, cases["keys only"])
    assert {kind for item in cases.values() for v in item.values() for kind in types_in(v)} == (
        EVERY_TYPE
    )


def test_nested_value_has_that_many_levels() -> None:
    value: Any = nested(LEVELS)
    levels = 0
    while (kind := next(iter(value))) in {"L", "M"}:
        value = value["L"][0] if kind == "L" else next(iter(value["M"].values()))
        levels += 1
    assert levels == LEVELS


@given(numbers())
def test_numbers_are_within_dynamodbs_range(text: str) -> None:
    number = Decimal(text)
    digits = "".join(map(str, number.as_tuple().digits))
    assert len(digits.strip("0")) <= 38
    assert number == 0 or Decimal("1E-130") <= number.copy_abs() < Decimal("1E+126")
