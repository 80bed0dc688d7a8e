"""ConsumedCapacity in an answer, for those who asked for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Raw

from tableferry.local.faults.asking import bare_name
from tableferry.local.faults.messages import Message
from tableferry.local.faults.outcome import Exchange

# These answer with one record, the others with a list of them.
_SINGLE = frozenset(
    {"PutItem", "UpdateItem", "DeleteItem", "GetItem", "Query", "Scan", "ExecuteStatement"}
)
_PER_ENTRY = frozenset({"BatchExecuteStatement"})
_document = msgspec.json.Decoder(dict[str, Raw])
_encode = msgspec.json.Encoder().encode


class _Asked(msgspec.Struct, rename="pascal"):
    return_consumed_capacity: str = "NONE"


@dataclass(frozen=True, slots=True)
class Used:
    """Units that one read or write used of a table, and of its indexes."""

    table: str
    units: float
    index_units: Mapping[str, float]
    is_write: bool

    @property
    def total(self) -> float:
        return self.units + sum(self.index_units.values())


def reported(exchange: Exchange, answer: Message, used: list[Used]) -> Message:
    """The answer with what was used in place of the engine's own figures; as it is where nobody
    asked.
    """
    detail = msgspec.json.decode(exchange.request.body, type=_Asked).return_consumed_capacity
    if detail not in {"TOTAL", "INDEXES"}:
        return answer
    operation = exchange.call.operation
    if operation in _PER_ENTRY:
        records = [_record([each], detail) for each in used]
    else:
        tables = dict.fromkeys(each.table for each in used)
        records = [_record([u for u in used if u.table == table], detail) for table in tables]
    if not records:
        return answer
    document = _document.decode(answer.body)
    if operation in _SINGLE:
        value: Any = records[0]
    else:
        value = [*_of_others(document, exchange, used), *records]
    return answer.with_body(_encode(document | {"ConsumedCapacity": Raw(_encode(value))}))


def _of_others(
    document: Mapping[str, Raw], exchange: Exchange, used: Iterable[Used]
) -> list[dict[str, Any]]:
    """The engine's own records of the tables that have no limits."""
    mine = {each.table for each in used}
    if not set(exchange.call.tables) - mine:
        return []
    theirs = msgspec.json.decode(document.get("ConsumedCapacity", Raw(b"[]"))) or []
    return [record for record in theirs if bare_name(record["TableName"]) not in mine]


def _record(used: list[Used], detail: str) -> dict[str, Any]:
    total = sum(each.total for each in used)
    record: dict[str, Any] = {"TableName": used[0].table, "CapacityUnits": total}
    if detail == "INDEXES":
        record["Table"] = {"CapacityUnits": sum(each.units for each in used)}
        indexes: dict[str, float] = {}
        for each in used:
            for name, units in each.index_units.items():
                indexes[name] = indexes.get(name, 0.0) + units
        if indexes:
            record["GlobalSecondaryIndexes"] = {
                name: {"CapacityUnits": units} for name, units in indexes.items()
            }
    return record
