"""The tests' own comparison finds what is planted, and nothing where there is nothing."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.independent_compare import CollisionFoundError, compare
from tests.support.item_strategies import items, names, tables, values
from tests.support.table_data import Item, Keys

KEYS = Keys("S", "N")


def row(**attributes: Any) -> Item:
    return {"pk": {"S": "k"}, "sk": {"N": "1"}, **attributes}


@given(tables(KEYS))
def test_table_equals_itself_in_any_order(rows: list[Item]) -> None:
    assert compare(rows, list(reversed(deepcopy(rows))), KEYS.names) == []


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"N": "1"}, {"N": "1.0"}),
        ({"N": "100"}, {"N": "1E+2"}),
        ({"N": "-0"}, {"N": "0"}),
        ({"SS": ["a", "b"]}, {"SS": ["b", "a"]}),
        ({"NS": ["1", "20"]}, {"NS": ["2E1", "1.00"]}),
        ({"BS": [b"a", b"b"]}, {"BS": [b"b", b"a"]}),
        ({"M": {"a": {"N": "1"}, "b": {"S": ""}}}, {"M": {"b": {"S": ""}, "a": {"N": "1.0"}}}),
    ],
)
def test_same_value_in_another_spelling_is_the_same(left: Item, right: Item) -> None:
    assert compare([row(a=left)], [row(a=right)], KEYS.names) == []


@pytest.mark.parametrize(
    ("expected", "found", "path"),
    [
        ({"N": "1"}, {"S": "1"}, ""),
        ({"N": "1"}, {"N": "1.00000000000000000000000000000000000001"}, ""),
        ({"N": "9007199254740993"}, {"N": "9007199254740992"}, ""),
        ({"S": ""}, {"NULL": True}, ""),
        ({"S": "é"}, {"S": "e\u0301"}, ""),
        ({"S": "QQ=="}, {"B": b"A"}, ""),
        ({"B": b""}, {"B": b"\x00"}, ""),
        ({"BOOL": True}, {"BOOL": False}, ""),
        ({"BOOL": True}, {"N": "1"}, ""),
        ({"SS": ["a"]}, {"L": [{"S": "a"}]}, ""),
        ({"SS": ["a", "b"]}, {"SS": ["a"]}, ""),
        ({"NS": ["1"]}, {"SS": ["1"]}, ""),
        ({"L": []}, {"M": {}}, ""),
        ({"L": [{"N": "1"}, {"N": "2"}]}, {"L": [{"N": "2"}, {"N": "1"}]}, "[0]"),
        ({"L": [{"N": "1"}]}, {"L": [{"N": "1"}, {"N": "1"}]}, ""),
        ({"M": {"x": {"L": [{"S": "a"}]}}}, {"M": {"x": {"L": [{"S": "b"}]}}}, ".'x'[0]"),
        ({"M": {"": {"S": "a"}}}, {"M": {}}, ".''"),
    ],
)
def test_planted_difference_is_found_where_it_is(expected: Item, found: Item, path: str) -> None:
    first, *_ = compare([row(a=expected)], [row(a=found)], KEYS.names)
    assert first.path == f".'a'{path}"
    assert first.key == row()
    assert first.path in str(first)


@given(tables(KEYS, max_items=8), st.data())
def test_any_one_fault_in_a_table_is_found(rows: list[Item], data: st.DataObject) -> None:
    """Lost, extra, and an attribute gone, added or changed: each names the item."""
    found = deepcopy(rows)
    if not rows or data.draw(st.booleans()):
        known = {(row["pk"]["S"], row["sk"]["N"]) for row in rows}
        extra = {"pk": {"S": "extra"}, "sk": {"N": "7"}}
        if ("extra", "7") not in known:
            assert [each.key for each in compare(rows, [*rows, extra], KEYS.names)] == [extra]
        return
    index = data.draw(st.integers(0, len(rows) - 1))
    victim = found[index]
    key = {name: victim[name] for name in KEYS.names}
    match data.draw(st.sampled_from(["lose", "add", "remove"])):
        case "lose":
            del found[index]
        case "add":
            name = data.draw(names().filter(lambda name: name not in victim))
            victim[name] = data.draw(values())
        case "remove":
            others = sorted(set(victim) - set(KEYS.names))
            if not others:
                return
            del victim[data.draw(st.sampled_from(others))]
    assert [each.key for each in compare(rows, found, KEYS.names)] == [key]


@given(items(KEYS))
def test_two_items_with_one_key_are_no_table(item: Item) -> None:
    with pytest.raises(CollisionFoundError):
        compare([item, item], [item], KEYS.names)


def test_swap_of_two_items_contents_is_two_differences() -> None:
    """The counts are equal and so is the set of contents."""
    left = [row(v={"N": "1"}), row(v={"N": "2"}) | {"sk": {"N": "2"}}]
    right = [row(v={"N": "2"}), row(v={"N": "1"}) | {"sk": {"N": "2"}}]
    assert len(compare(left, right, KEYS.names)) == 2


def test_long_values_are_shown_short() -> None:
    (found,) = compare([row(a={"S": "x" * 10_000})], [row()], KEYS.names)
    assert len(str(found)) < 1000
