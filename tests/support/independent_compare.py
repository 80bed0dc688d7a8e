"""Says whether a destination is exactly the transformed source, without any of Tableferry's code.

It reads both tables wholly by boto3's own client, puts the transform that the test gives (a plain
function from an item to an item or None, both in boto3's client form) on each source item, and
compares: types exactly, numbers by value, sets as sets, everything else as it is. As a program:

    python -m tests.support.independent_compare --endpoint-url URL SOURCE DESTINATION
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import boto3

Item = dict[str, Any]
Transform = Callable[[Item], Item | None]
Key = tuple[Any, ...]
SHOWN = 100


class CollisionFoundError(Exception):
    """The expected content has two items with one key: the test's own transform is wrong."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: the item's key, the path within it, and both sides (None: not there)."""

    key: Item
    path: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        sides = f"expected {_short(self.expected)}, found {_short(self.found)}"
        return f"{_short(self.key)}{self.path}: {sides}"


def unchanged(item: Item) -> Item | None:
    return item


def read_table(client: Any, table: str) -> list[Item]:
    """All items of a table, by consistent reads."""
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [item for page in pages for item in page["Items"]]


def key_names(client: Any, table: str) -> list[str]:
    """The names of a table's key attributes, partition key first."""
    schema = client.describe_table(TableName=table)["Table"]["KeySchema"]
    ordered = sorted(schema, key=lambda each: each["KeyType"] != "HASH")
    return [each["AttributeName"] for each in ordered]


def by_key(items: Iterable[Item], names: Sequence[str]) -> dict[Key, Item]:
    """The items by the values of those key attributes."""
    found: dict[Key, Item] = {}
    for item in items:
        key = tuple(comparable(item[name]) for name in names)
        if key in found:
            raise CollisionFoundError(f"two items with the key {_short(_key(item, names))}")
        found[key] = item
    return found


def differences(
    client: Any,
    source: str,
    destination: str,
    transform: Transform = unchanged,
    *,
    destination_client: Any = None,
) -> list[Difference]:
    """Every difference between the transformed source and the destination."""
    there = destination_client or client
    moved = (transform(item) for item in read_table(client, source))
    expected = [item for item in moved if item is not None]
    return compare(expected, read_table(there, destination), key_names(there, destination))


def compare(
    expected: Iterable[Item], found: Iterable[Item], names: Sequence[str]
) -> list[Difference]:
    """Every difference between two sets of items, told apart by those key attributes."""
    left, right = by_key(expected, names), by_key(found, names)
    result: list[Difference] = []
    for key, item in left.items():
        if key in right:
            result += _in_item(_key(item, names), item, right[key])
        else:
            result.append(Difference(_key(item, names), "", item, None))
    for key, item in right.items():
        if key not in left:
            result.append(Difference(_key(item, names), "", None, item))
    return result


def assert_moved(
    client: Any,
    source: str,
    destination: str,
    transform: Transform = unchanged,
    *,
    destination_client: Any = None,
) -> None:
    """Fails with each difference, if there is one."""
    found = differences(
        client, source, destination, transform, destination_client=destination_client
    )
    listed = "\n".join(str(each) for each in found[:SHOWN])
    assert not found, f"{len(found)} differences:\n{listed}"


def comparable(value: Mapping[str, Any]) -> Any:
    """A typed value in a form in which `==` is DynamoDB's own sameness."""
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return kind, Decimal(content)
        case "NS":
            return kind, frozenset(Decimal(member) for member in content)
        case "SS" | "BS":
            return kind, frozenset(content)
        case "L":
            return kind, tuple(comparable(member) for member in content)
        case "M":
            return kind, frozenset((name, comparable(member)) for name, member in content.items())
    return kind, content


def _in_item(key: Item, expected: Item, found: Item) -> Iterator[Difference]:
    for path, left, right in _in_map(expected, found):
        yield Difference(key, path, left, right)


def _in_map(expected: Item, found: Item) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted({*expected, *found}):
        left, right = expected.get(name), found.get(name)
        for path, one, other in _in_value(left, right):
            yield f".{name!r}{path}", one, other


def _in_value(expected: Any, found: Any) -> Iterator[tuple[str, Any, Any]]:
    if expected is None or found is None:
        if expected is not found:
            yield "", expected, found
    elif expected.keys() == found.keys() == {"M"}:
        yield from _in_map(expected["M"], found["M"])
    elif _are_lists_of_one_length(expected, found):
        for index, pair in enumerate(zip(expected["L"], found["L"], strict=True)):
            for path, one, other in _in_value(*pair):
                yield f"[{index}]{path}", one, other
    elif comparable(expected) != comparable(found):
        yield "", expected, found


def _are_lists_of_one_length(expected: Item, found: Item) -> bool:
    both = expected.keys() == found.keys() == {"L"}
    return both and len(expected["L"]) == len(found["L"])


def _key(item: Item, names: Sequence[str]) -> Item:
    return {name: item[name] for name in names}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:280]}… ({len(text)} characters)"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Compares two tables item by item.")
    parser.add_argument("source")
    parser.add_argument("destination")
    parser.add_argument("--endpoint-url")
    options = parser.parse_args(arguments)
    client = boto3.client("dynamodb", endpoint_url=options.endpoint_url)
    found = differences(client, options.source, options.destination)
    for each in found:
        print(each)
    print(f"{len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
