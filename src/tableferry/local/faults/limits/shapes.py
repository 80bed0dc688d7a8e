"""What a table's keys and indexes are, asked from the engine itself and kept."""

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from tableferry.item_size import item_bytes, write_units
from tableferry.items import WireItem, typed
from tableferry.local.faults.messages import Message, request

_CHANGING = frozenset({"CreateTable", "UpdateTable", "DeleteTable", "RestoreTableFromBackup"})
# What identifies the caller: DynamoDB Local keeps tables apart by it, and demands it.
_CALLER = (b"host", b"authorization", b"x-amz-date", b"x-amz-security-token", b"content-type")


@dataclass(frozen=True, slots=True)
class Index:
    """A secondary index: an item with all its `keys` has an entry; `projected` None: of all
    attributes.
    """

    keys: tuple[str, ...]
    projected: frozenset[str] | None
    is_global: bool

    def entry_units(self, item: WireItem) -> int:
        """Write units of the item's entry; 0 where it has none."""
        if not all(name in item for name in self.keys):
            return 0
        if self.projected is None:
            return write_units(item_bytes(item))
        entry = {name: value for name, value in item.items() if name in self.projected}
        return write_units(item_bytes(entry))


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table's key attributes, partition key first, and its indexes by name."""

    keys: tuple[str, ...]
    indexes: Mapping[str, Index]

    def partition_key(self, item: WireItem) -> str | None:
        """The partition key's value as text; None for an item without one."""
        value = item.get(self.keys[0]) if self.keys else None
        return None if value is None else repr(typed(value))

    def key_text(self, item: WireItem) -> str:
        return repr([typed(item[name]) for name in self.keys if name in item])

    def index_units(self, item: WireItem) -> dict[str, float]:
        found = {name: index.entry_units(item) for name, index in self.indexes.items()}
        return {name: float(units) for name, units in found.items() if units}


UNKNOWN_SHAPE = TableShape((), {})


class Shapes:
    """The shapes of the tables that were asked for; forgotten when a call changes the table."""

    def __init__(self, send: Callable[[Message], Awaitable[Message]]) -> None:
        self._send = send
        self._known: dict[str, TableShape] = {}

    async def of(self, table: str, caller: Message) -> TableShape:
        """The table's shape, asked for with the caller's credentials."""
        if table not in self._known:
            shape = await self._asked(table, caller)
            if shape is UNKNOWN_SHAPE:
                return shape
            self._known[table] = shape
        return self._known[table]

    def forget(self, operation: str, tables: tuple[str, ...]) -> None:
        if operation in _CHANGING:
            for table in tables:
                self._known.pop(table, None)

    async def _asked(self, table: str, caller: Message) -> TableShape:
        answer = await self._send(own_request("DescribeTable", {"TableName": table}, caller))
        if answer.status != 200:
            return UNKNOWN_SHAPE
        return _shape(msgspec.json.decode(answer.body)["Table"])


def own_request(operation: str, document: Any, caller: Message) -> Message:
    """A request of the proxy's own to the engine, in the name of a caller."""
    headers = {name: caller.headers[name] for name in _CALLER if name in caller.headers}
    headers[b"x-amz-target"] = f"DynamoDB_20120810.{operation}".encode()
    return request(b"/", headers, msgspec.json.encode(document))


def read_units(size_bytes: int, *, consistent: bool) -> float:
    """Units of a read of that many bytes: steps of 4 KB, half where it is not consistent."""
    return max(1, math.ceil(size_bytes / 4096)) * (1.0 if consistent else 0.5)


def _shape(description: dict[str, Any]) -> TableShape:
    keys = _key_names(description)
    indexes = {}
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        for index in description.get(kind) or []:
            indexes[index["IndexName"]] = Index(
                _key_names(index), _projected(index, keys), kind.startswith("Global")
            )
    return TableShape(keys, indexes)


def _key_names(description: dict[str, Any]) -> tuple[str, ...]:
    ordered = sorted(description["KeySchema"], key=lambda key: key["KeyType"] != "HASH")
    return tuple(key["AttributeName"] for key in ordered)


def _projected(index: dict[str, Any], keys: tuple[str, ...]) -> frozenset[str] | None:
    projection = index["Projection"]
    if projection["ProjectionType"] == "ALL":
        return None
    return frozenset({*keys, *_key_names(index), *projection.get("NonKeyAttributes", ())})
