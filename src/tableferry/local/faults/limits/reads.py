"""What a read costs, told from its answer by DynamoDB's rules [DDB:read-write-operations].

Of a page that a projection, a filter or a count hides, the bytes are told from the mean size of the
table's items seen so far and ScannedCount. Of long pages a sample of the items is measured.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Raw

from tableferry.item_size import item_bytes
from tableferry.items import WireItem
from tableferry.local.faults.asking import bare_name
from tableferry.local.faults.limits.shapes import read_units

# Measuring takes some 20 µs an item, which for each item of a 1 MB page would stop the proxy for a
# tenth of a second.
_SAMPLE = 64
_TRANSACTION = 2
READING = frozenset({"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"})


class _KeysAndAttributes(msgspec.Struct, rename="pascal"):
    keys: list[dict[str, Raw]] = []
    consistent_read: bool = False


class _Get(msgspec.Struct, rename="pascal"):
    table_name: str
    key: dict[str, Raw]


class _Asked(msgspec.Struct, rename="pascal"):
    table_name: str = ""
    key: dict[str, Raw] = {}
    consistent_read: bool = False
    projection_expression: str = ""
    filter_expression: str = ""
    select: str = ""
    request_items: dict[str, _KeysAndAttributes] = {}
    transact_items: list[dict[str, _Get]] = []


class _Found(msgspec.Struct, rename="pascal"):
    item: dict[str, Raw] = {}


class _Answer(msgspec.Struct, rename="pascal"):
    item: dict[str, Raw] = {}
    items: list[dict[str, Raw]] = []
    scanned_count: int = 0
    responses: dict[str, list[dict[str, Raw]]] | list[_Found] = {}


@dataclass(frozen=True, slots=True)
class ReadCost:
    """Units of one read, or of all reads of one table in a batch; `item` tells its partition."""

    table: str
    item: WireItem
    units: float


@dataclass(slots=True)
class Means:
    """The mean size of each table's items, as far as they were seen."""

    _seen: dict[str, tuple[int, int]] = field(default_factory=dict)

    def learn(self, table: str, items: Iterable[WireItem]) -> None:
        sizes = [item_bytes(item) for item in items]
        count, total = self._seen.get(table, (0, 0))
        self._seen[table] = (count + len(sizes), total + sum(sizes))

    def of(self, table: str) -> float:
        count, total = self._seen.get(table, (0, 0))
        return total / count if count else 0.0


def keys_read(operation: str, body: bytes) -> list[tuple[str, WireItem]]:
    """Each key that a request reads, in its order, with the table; a Query's or Scan's key is
    empty.
    """
    asked = msgspec.json.decode(body, type=_Asked)
    match operation:
        case "BatchGetItem":
            wanted = asked.request_items.items()
            return [(bare_name(table), key) for table, each in wanted for key in each.keys]
        case "TransactGetItems":
            gets = [get for action in asked.transact_items for get in action.values()]
            return [(bare_name(get.table_name), get.key) for get in gets]
    return [(bare_name(asked.table_name), asked.key)]


def read_costs(operation: str, body: bytes, answer: bytes, means: Means) -> list[ReadCost]:
    """What the answered reads cost, by table."""
    asked = msgspec.json.decode(body, type=_Asked)
    found = msgspec.json.decode(answer, type=_Answer)
    table = bare_name(asked.table_name)
    match operation:
        case "GetItem":
            units = read_units(item_bytes(found.item), consistent=asked.consistent_read)
            return [ReadCost(table, asked.key, units)]
        case "BatchGetItem":
            return _of_batch(asked, found)
        case "TransactGetItems":
            return _of_transaction(asked, found)
    first = found.items[0] if found.items else {}
    size = _page_bytes(table, asked, found, means)
    return [ReadCost(table, first, read_units(size, consistent=asked.consistent_read))]


def _page_bytes(table: str, asked: _Asked, found: _Answer, means: Means) -> int:
    hidden = asked.projection_expression or asked.filter_expression or asked.select == "COUNT"
    if hidden:
        return math.ceil(found.scanned_count * means.of(table))
    step = max(1, math.ceil(len(found.items) / _SAMPLE))
    sample = found.items[::step]
    means.learn(table, sample)
    sizes = [item_bytes(item) for item in sample]
    return math.ceil(sum(sizes) / len(sizes) * len(found.items)) if sizes else 0


def _of_batch(asked: _Asked, found: _Answer) -> list[ReadCost]:
    answered: dict[str, Any] = found.responses if isinstance(found.responses, dict) else {}
    costs = []
    for table, wanted in asked.request_items.items():
        items = answered.get(table, [])
        consistent = wanted.consistent_read
        units = sum(read_units(item_bytes(item), consistent=consistent) for item in items)
        absent = len(wanted.keys) - len(items)  # unprocessed keys are taken out before
        units += absent * read_units(0, consistent=consistent)
        costs.append(ReadCost(bare_name(table), wanted.keys[0] if wanted.keys else {}, units))
    return costs


def _of_transaction(asked: _Asked, found: _Answer) -> list[ReadCost]:
    gets = [get for action in asked.transact_items for get in action.values()]
    answers = found.responses if isinstance(found.responses, list) else []
    pairs = zip(gets, answers, strict=False)
    return [
        ReadCost(
            bare_name(get.table_name),
            get.key,
            _TRANSACTION * read_units(item_bytes(answer.item), consistent=True),
        )
        for get, answer in pairs
    ]
