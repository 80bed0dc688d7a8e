"""What a request writes, and what that costs by DynamoDB's rules [DDB:read-write-operations].

A batch's writes come in the order of its entries. PartiQL is understood as far as `INSERT … VALUE
{'name': ?, …}`; another statement counts as one unit.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Raw

from tableferry.item_size import item_bytes, write_units
from tableferry.items import WireItem
from tableferry.local.faults.asking import bare_name, statement_table
from tableferry.local.faults.limits.shapes import TableShape

_INSERTED = re.compile(r"'((?:[^']|'')*)'\s*:\s*\?")
# A transaction's writes cost twice: one to prepare, one to commit.
_TRANSACTION = 2
_Wire = dict[str, Raw]


@dataclass(frozen=True, slots=True)
class Written:
    """One write: the whole item of a put, or what a request says of it (`whole` false): its key,
    new values.
    """

    table: str
    item: WireItem
    whole: bool
    factor: int = 1


@dataclass(frozen=True, slots=True)
class WriteCost:
    """Units on the table, which local indexes share, and on each global index."""

    table: str
    partition_key: str | None
    units: float
    index_units: Mapping[str, float]

    @property
    def total(self) -> float:
        return self.units + sum(self.index_units.values())


class _Statement(msgspec.Struct, rename="pascal"):
    statement: str = ""
    parameters: list[Raw] = []


class _Single(msgspec.Struct, rename="pascal"):
    table_name: str = ""
    item: dict[str, Raw] = {}
    key: dict[str, Raw] = {}
    expression_attribute_values: dict[str, Raw] = {}

    def written(self, factor: int = 1) -> Written:
        whole = bool(self.item)
        said = self.item or (self.key | self.expression_attribute_values)
        return Written(bare_name(self.table_name), said, whole, factor)


class _Request(msgspec.Struct, rename="pascal"):
    put_request: _Single | None = None
    delete_request: _Single | None = None


class _Batch(msgspec.Struct, rename="pascal"):
    request_items: dict[str, list[_Request]]


class _Transaction(msgspec.Struct, rename="pascal"):
    transact_items: list[dict[str, _Single]]


class _Statements(msgspec.Struct, rename="pascal"):
    statements: list[_Statement] = []
    transact_statements: list[_Statement] = []


def writes_of(operation: str, body: bytes) -> list[Written]:
    """The writes that a request asks for; empty for one that writes no items."""
    match operation:
        case "PutItem" | "UpdateItem" | "DeleteItem":
            return [msgspec.json.decode(body, type=_Single).written()]
        case "BatchWriteItem":
            return _in_batch(msgspec.json.decode(body, type=_Batch))
        case "TransactWriteItems":
            actions = msgspec.json.decode(body, type=_Transaction).transact_items
            return [each.written(_TRANSACTION) for action in actions for each in action.values()]
        case "ExecuteStatement":
            return [_by_statement(msgspec.json.decode(body, type=_Statement))]
        case "BatchExecuteStatement" | "ExecuteTransaction":
            several = msgspec.json.decode(body, type=_Statements)
            factor = _TRANSACTION if several.transact_statements else 1
            listed = several.statements or several.transact_statements
            return [_by_statement(statement, factor) for statement in listed]
    return []


def cost(written: Written, shape: TableShape, old: WireItem | None = None) -> WriteCost:
    """What a write costs; `old` is the item that it replaces, where that is known."""
    sizes = [item_bytes(written.item), item_bytes(old) if old else 0]
    units = write_units(max(sizes)) if written.whole or old else 1
    entries = _entries(shape, old, written.item if written.whole else None)
    of_global = {n: v * written.factor for n, v in entries.items() if shape.indexes[n].is_global}
    of_local = sum(v for n, v in entries.items() if not shape.indexes[n].is_global)
    return WriteCost(
        written.table,
        shape.partition_key(written.item),
        float((units + of_local) * written.factor),
        of_global,
    )


def _entries(shape: TableShape, old: WireItem | None, new: WireItem | None) -> dict[str, float]:
    """Index units: those of the larger entry. An entry that moves costs a delete and a put on AWS;
    here a put.
    """
    before = shape.index_units(old) if old else {}
    after = shape.index_units(new) if new else {}
    return {name: max(before.get(name, 0.0), after.get(name, 0.0)) for name in before | after}


def _in_batch(batch: _Batch) -> list[Written]:
    found = []
    for table, requests in batch.request_items.items():
        for each in requests:
            put, delete = each.put_request, each.delete_request
            item: dict[str, Any] = put.item if put else delete.key if delete else {}
            found.append(Written(bare_name(table), item, put is not None))
    return found


def _by_statement(statement: _Statement, factor: int = 1) -> Written:
    table = bare_name(statement_table(statement.statement))
    if statement.statement.lstrip()[:6].upper() != "INSERT":
        return Written(table, {}, False, factor)
    names = [name.replace("''", "'") for name in _INSERTED.findall(statement.statement)]
    return Written(table, dict(zip(names, statement.parameters, strict=False)), True, factor)
