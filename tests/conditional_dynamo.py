"""The in-memory DynamoDB with conditional puts, updates and deletes, as far as a repair uses them.

Conditions are comparisons joined by AND, updates SET and REMOVE; limits are AWS's
[DDB:Constraints]. `tests/integration/test_conditional_writes.py` asks an engine the same.
"""

import re
from typing import Any

from tests.fakes import MemoryDynamo, Request, refusal
from tests.memory_table import BadItemError, Item, MemoryTable, plain

EXPRESSION_BYTES = 4096
OPERATORS = 300
VALUE_BYTES = 2 * 1024 * 1024
FUNCTION = re.compile(r"(attribute_exists|attribute_not_exists)\((#\w+)\)")
EQUALITY = re.compile(r"(#\d+) = (:\d+)")


class ConditionalDynamo(MemoryDynamo):
    """See the module."""

    def _PutItem(self, request: Request) -> dict[str, Any]:
        table = self._table(request["TableName"])
        try:
            identity = table.check(request["Item"])
        except BadItemError as error:
            raise refusal("ValidationException", str(error)) from None
        _demand(request, table.items.get(identity, {}))
        table.put(request["Item"])
        return self._units(1.0)

    def _UpdateItem(self, request: Request) -> dict[str, Any]:
        table = self._table(request["TableName"])
        identity = table.identity(request["Key"])
        _demand(request, table.items.get(identity, {}))
        held = table.items.get(identity)
        changed = _updated(dict(held or request["Key"]), request, table)
        try:
            table.put(changed)
        except BadItemError as error:
            raise refusal("ValidationException", str(error)) from None
        return self._units(1.0)

    def _DeleteItem(self, request: Request) -> dict[str, Any]:
        table = self._table(request["TableName"])
        identity = table.identity(request["Key"])
        _demand(request, table.items.get(identity, {}))
        old = table.items.pop(identity, None)
        answer = self._units(1.0)
        if old is not None and request.get("ReturnValues") == "ALL_OLD":
            answer["Attributes"] = old
        return answer


def _demand(request: Request, held: Item) -> None:
    """Raises unless the condition holds; an expression over a limit is refused."""
    condition = request["ConditionExpression"]
    _check_limits(request)
    for part in condition.split(" AND "):
        if not _holds(part, held, request):
            raise refusal("ConditionalCheckFailedException", "The conditional request failed")


def _check_limits(request: Request) -> None:
    texts = [request["ConditionExpression"], request.get("UpdateExpression", "")]
    operators = sum(text.count("=") + text.count(" AND ") + text.count("(") for text in texts)
    values = request.get("ExpressionAttributeValues", {})
    size = sum(len(str(value)) for value in values.values())
    if max(map(len, texts)) > EXPRESSION_BYTES or operators > OPERATORS or size > VALUE_BYTES:
        raise refusal("ValidationException", "Expression size has exceeded the maximum allowed")
    unused = set(request["ExpressionAttributeNames"]) - set(re.findall(r"#\w+", " ".join(texts)))
    unused |= set(values) - set(re.findall(r":\w+", " ".join(texts)))
    if unused:
        raise refusal("ValidationException", f"unused in expressions: {unused}")


def _holds(part: str, held: Item, request: Request) -> bool:
    names = request["ExpressionAttributeNames"]
    if function := FUNCTION.fullmatch(part):
        return (names[function[2]] in held) is (function[1] == "attribute_exists")
    equality = EQUALITY.fullmatch(part)
    assert equality, part
    name, value = names[equality[1]], request["ExpressionAttributeValues"][equality[2]]
    return name in held and plain(held[name]) == plain(value)


def _updated(item: Item, request: Request, table: MemoryTable) -> Item:
    names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
    for clause, content in re.findall(
        r"(SET|REMOVE) (.*?)(?= REMOVE |$)", request["UpdateExpression"]
    ):
        for part in content.split(", "):
            name = names[part.partition(" = ")[0]]
            if name in table.keys:
                raise refusal("ValidationException", "Cannot update attribute; it is of the key")
            if clause == "SET":
                item[name] = values[part.partition(" = ")[2]]
            else:
                item.pop(name, None)
    return item
