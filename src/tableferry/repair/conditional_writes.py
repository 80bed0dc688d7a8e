"""Requests that change an item only while it is as it was seen.

DynamoDB has no condition on a whole item, so an attribute that somebody adds meanwhile is not seen.
Therefore an item is never replaced: a change touches the attributes that differ and leaves others
alone. A delete can not; its answer brings the old item, so that what was not seen can be put back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tableferry import canonical
from tableferry.canonical import GLOBAL_TABLE_PREFIX
from tableferry.items import WireItem, typed

# An expression may have 4 KB and 300 operators [DDB:Constraints]; a condition takes two for each
# attribute, a change one more.
MOST_ATTRIBUTES = 90


@dataclass(frozen=True, slots=True)
class ConditionalWrite:
    """One operation and its request's body."""

    operation: str
    body: dict[str, Any]


def insertion(table: str, item: WireItem, key_names: Sequence[str]) -> ConditionalWrite:
    """Puts the item where nothing is."""
    condition = {
        "ConditionExpression": "attribute_not_exists(#k)",
        "ExpressionAttributeNames": {"#k": key_names[0]},
    }
    return ConditionalWrite("PutItem", {**_addressed(table), "Item": item, **condition})


def changes(
    table: str, held: WireItem, wanted: WireItem, key_names: Sequence[str]
) -> list[ConditionalWrite]:
    """Makes `held` into `wanted`, attribute by attribute; several requests for very many.

    Each demands the old values of what it changes, and of as many others as it can.
    """
    differing = [name for name in _names(held, wanted) if not _is_equal(held, wanted, name)]
    others = [name for name in _names(held, {}) if name not in differing and name not in key_names]
    requests = []
    for start in range(0, len(differing), MOST_ATTRIBUTES):
        part = differing[start : start + MOST_ATTRIBUTES]
        expressions = _Expressions()
        expressions.demand_key(key_names[0])
        for name in part:
            expressions.change(name, held, wanted)
        for name in others[: MOST_ATTRIBUTES - len(part)]:
            expressions.demand(name, held)
        key = {name: held[name] for name in key_names}
        requests.append(
            ConditionalWrite(
                "UpdateItem", {**_addressed(table), "Key": key, **expressions.to_body()}
            )
        )
    return requests


def deletion(table: str, held: WireItem, key_names: Sequence[str]) -> ConditionalWrite:
    """Deletes the item while it has what was seen; the answer brings what it had."""
    expressions = _Expressions()
    expressions.demand_key(key_names[0])
    names = [name for name in _names(held, {}) if name not in key_names]
    for name in names[:MOST_ATTRIBUTES]:
        expressions.demand(name, held)
    key = {name: held[name] for name in key_names}
    body = {**_addressed(table), "Key": key, "ReturnValues": "ALL_OLD", **expressions.to_body()}
    return ConditionalWrite("DeleteItem", body)


def _addressed(table: str) -> dict[str, Any]:
    return {"TableName": table, "ReturnConsumedCapacity": "TOTAL"}


def _names(held: WireItem, wanted: WireItem) -> list[str]:
    """All attribute names; what a global table adds is DynamoDB's own."""
    return sorted(name for name in {**held, **wanted} if not name.startswith(GLOBAL_TABLE_PREFIX))


def _is_equal(held: WireItem, wanted: WireItem, name: str) -> bool:
    if name not in held or name not in wanted:
        return False
    return canonical.value(typed(held[name])) == canonical.value(typed(wanted[name]))


class _Expressions:
    """The expressions of one request, with a placeholder for each name and value."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}
        self._sets: list[str] = []
        self._removes: list[str] = []
        self._demands: list[str] = []

    def demand_key(self, name: str) -> None:
        self._demands.append(f"attribute_exists({self._name(name)})")

    def demand(self, name: str, held: WireItem) -> None:
        if name in held:
            self._demands.append(f"{self._name(name)} = {self._value(held, name)}")
        else:
            self._demands.append(f"attribute_not_exists({self._name(name)})")

    def change(self, name: str, held: WireItem, wanted: WireItem) -> None:
        self.demand(name, held)
        if name in wanted:
            self._sets.append(f"{self._name(name)} = {self._value(wanted, name)}")
        else:
            self._removes.append(self._name(name))

    def to_body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "ConditionExpression": " AND ".join(self._demands),
            "ExpressionAttributeNames": {place: name for name, place in self._names.items()},
        }
        update = " ".join(self._clauses())
        return {
            **body,
            **({"UpdateExpression": update} if update else {}),
            **({"ExpressionAttributeValues": self._values} if self._values else {}),
        }

    def _clauses(self) -> Iterator[str]:
        if self._sets:
            yield f"SET {', '.join(self._sets)}"
        if self._removes:
            yield f"REMOVE {', '.join(self._removes)}"

    def _name(self, name: str) -> str:
        return self._names.setdefault(name, f"#{len(self._names)}")

    def _value(self, item: WireItem, name: str) -> str:
        place = f":{len(self._values)}"
        self._values[place] = item[name]
        return place
