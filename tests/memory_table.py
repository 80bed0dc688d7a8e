"""Tables in memory: what is one key, what is equal, what an item may be.

It shares no code with the copy path: what equals what is decided here anew.
"""

import base64
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any

Item = dict[str, Any]
Identity = tuple[Any, ...]

ITEM_BYTES = 400 * 1024
EXACT = Context(prec=300)


def plain(value: Item) -> Any:
    """A typed value as a Python value that equals another one where DynamoDB sees the same."""
    ((kind, content),) = value.items()
    return (kind, _PLAIN.get(kind, lambda same: same)(content))


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "N": Decimal,
    "B": base64.b64decode,
    "NS": lambda members: frozenset(map(Decimal, members)),
    "BS": lambda members: frozenset(map(base64.b64decode, members)),
    "SS": frozenset,
    "L": lambda members: tuple(map(plain, members)),
    "M": lambda members: frozenset((name, plain(each)) for name, each in members.items()),
}


def size_of(value: Item) -> int:
    """Bytes of a typed value as DynamoDB counts them [DDB:CapacityUnitCalculations]."""
    ((kind, content),) = value.items()
    if kind in {"NS", "SS", "BS"}:
        return sum(size_of({kind[0]: each}) for each in content)
    return _SIZES.get(kind, lambda _: 1)(content)


_SIZES: dict[str, Callable[[Any], int]] = {
    "S": lambda text: len(text.encode()),
    "N": lambda text: (len(text.lstrip("-").replace(".", "")) + 1) // 2 + 1,
    "B": lambda text: len(base64.b64decode(text)),
    "L": lambda members: 3 + sum(1 + size_of(each) for each in members),
    "M": lambda members: (
        3 + sum(1 + len(name.encode()) + size_of(each) for name, each in members.items())
    ),
}


def item_size(item: Item) -> int:
    return sum(len(name.encode()) + size_of(value) for name, value in item.items())


class BadItemError(Exception):
    """One item breaks a rule; what that does to its request is the operation's."""


@dataclass
class MemoryTable:
    """A table: `keys` are the key attributes with their types, the partition key first."""

    name: str
    keys: dict[str, str]
    index_keys: dict[str, str] = field(default_factory=dict)
    items: dict[Identity, Item] = field(default_factory=dict)

    def identity(self, key: Item) -> Identity:
        for name, kind in self.keys.items():
            if name not in key or kind not in key[name]:
                raise BadItemError(f"key {name} is missing or of another type")
            if not key[name][kind]:
                raise BadItemError(f"key {name} is empty")
        return tuple(plain(key[name]) for name in self.keys)

    def check(self, item: Item) -> Identity:
        """The item's identity; raises BadItemError."""
        identity = self.identity(item)
        for name, kind in self.index_keys.items():
            if name in item and (kind not in item[name] or not item[name][kind]):
                raise BadItemError(f"index key {name} is empty or of another type")
        if "" in item:
            raise BadItemError("an attribute name is empty")
        if item_size(item) > ITEM_BYTES:
            raise BadItemError("Item size has exceeded the maximum allowed size")
        check_values(item)
        return identity

    def put(self, item: Item) -> None:
        identity = self.check(item)
        self.items[identity] = {name: _trimmed(value) for name, value in item.items()}

    def load(self, items: Iterable[Item]) -> None:
        for item in items:
            self.put(item)

    def content(self) -> dict[Identity, Any]:
        """Everything, in a form that equals another table's where both hold the same."""
        return {key: plain({"M": item}) for key, item in self.items.items()}

    def in_scan_order(self, segment: int, segments: int) -> list[tuple[Identity, Item]]:
        found = [
            (place, key, item)
            for key, item in self.items.items()
            if (place := self.place(key)) * segments >> 32 == segment
        ]
        found.sort(key=lambda each: (each[0], each[1]))
        return [(key, item) for _, key, item in found]

    def place(self, identity: Identity) -> int:
        """Where the partition key's hash falls among 32 bits."""
        kind, value = identity[0]
        text = _number(str(value)) if kind == "N" else str(value)
        return zlib.crc32(text.encode())


def check_values(item: Item) -> None:
    """Raises BadItemError for a value that no table takes."""
    for value in item.values():
        _check_value(value)


def _check_value(value: Item) -> None:
    ((kind, content),) = value.items()
    if kind in {"NS", "SS", "BS"} and not content:
        raise BadItemError("a set is empty")
    for number in {"N": [content], "NS": content}.get(kind, ()):
        if len(Decimal(number).normalize(EXACT).as_tuple().digits) > 38:
            raise BadItemError("a number has more than 38 digits")
    for each in {"L": content, "M": content.values() if kind == "M" else ()}.get(kind, ()):
        _check_value(each)


def _trimmed(value: Item) -> Item:
    """The value as DynamoDB keeps it: numbers without trailing zeros."""
    ((kind, content),) = value.items()
    return {kind: _TRIMMED.get(kind, lambda same: same)(content)}


def _number(text: str) -> str:
    return format(abs(number) if (number := Decimal(text).normalize(EXACT)) == 0 else number, "f")


_TRIMMED: dict[str, Callable[[Any], Any]] = {
    "N": _number,
    "NS": lambda members: [_number(each) for each in members],
    "L": lambda members: [_trimmed(each) for each in members],
    "M": lambda members: {name: _trimmed(each) for name, each in members.items()},
}
