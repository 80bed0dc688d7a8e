"""DynamoDB JSON out of a step's `value`: plain JSON, or an exact type as `{"typed": {…}}`."""

import base64
import binascii
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tableferry.transform.decimals import number_text, number_text_of_json
from tableferry.transform.findings import Place, did_you_mean, is_utf8

# Lists and maps nest up to 32 levels [DDB:Constraints].
MAX_LEVELS = 32
_TYPES = ("S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M")

Typed = dict[str, Any]


def looks_like_expression(text: str) -> bool:
    """Whether someone meant JSONata, with or without something around it."""
    stripped = text.strip()
    return stripped.startswith("{%") or stripped.endswith("%}")


def plain_value(value: Any, place: Place, level: int = 0) -> Typed:
    """The typed form of plain JSON; what can not be typed exactly is refused at its place."""
    if isinstance(value, list | tuple | dict):
        return _plain_container(value, place, level + 1)
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": _plain_text(value, place)}
    return {"N": _plain_number(value, place)}


def _plain_container(value: Any, place: Place, level: int) -> Typed:
    if level > MAX_LEVELS:
        _refuse_depth(value, place)
        return {"NULL": True}
    if isinstance(value, dict):
        return {
            "M": {
                _text(str(name), place.field(name)): plain_value(member, place.field(name), level)
                for name, member in value.items()
            }
        }
    return {"L": [plain_value(member, place.index(i), level) for i, member in enumerate(value)]}


def _plain_text(value: str, place: Place) -> str:
    if looks_like_expression(value):
        remedy = 'write "{% … %}" as the whole value, or {"typed": {"S": …}} for mere text'
        place.refuse(value, "an expression must be the whole value, from {% to %}", remedy)
    return _text(value, place)


def _text(value: str, place: Place) -> str:
    if not is_utf8(value):
        rule = "holds half a surrogate pair, which UTF-8 can not carry"
        place.refuse(value, rule, "leave that character out")
    return value


def _plain_number(value: Any, place: Place) -> str:
    if not isinstance(value, int | float | Decimal):
        remedy = "give text, a number, true, false, null, a list or an object"
        place.refuse(value, "is not JSON", remedy)
        return "0"
    try:
        return number_text_of_json(value)
    except ValueError as error:
        remedy = 'write the exact DynamoDB type, such as {"typed": {"N": "…"}}'
        place.refuse(value, str(error), remedy)
        return "0"


def _refuse_depth(value: Any, place: Place) -> None:
    rule = f"is nested deeper than the {MAX_LEVELS} levels that DynamoDB allows"
    place.refuse(value, rule, "make it flatter")


def typed_value(value: Any, place: Place, level: int = 0) -> Typed:
    """The exact type as given, its rules checked and its numbers in DynamoDB's one spelling."""
    if not isinstance(value, dict) or len(value) != 1:
        rule = "must be an object with one key, the DynamoDB type"
        place.refuse(value, rule, 'write it like {"S": "text"}')
        return {"NULL": True}
    ((kind, content),) = value.items()
    inside = place.field(kind)
    if kind not in _TYPES:
        inside.refuse(kind, "is not a DynamoDB type", did_you_mean(kind, _TYPES))
        return {"NULL": True}
    if kind == "L":
        return {"L": _list(content, inside, level + 1)}
    if kind == "M":
        return {"M": _map(content, inside, level + 1)}
    if kind in ("SS", "NS", "BS"):
        return {kind: _set(content, inside, _SCALARS[kind[0]])}
    return {kind: _SCALARS[kind](content, inside)}


def _list(content: Any, place: Place, level: int) -> list[Typed]:
    if level > MAX_LEVELS:
        _refuse_depth(content, place)
    elif not isinstance(content, list | tuple):
        place.refuse(content, "must be a list of typed values", 'write them like [{"S": "text"}]')
    else:
        return [typed_value(member, place.index(i), level) for i, member in enumerate(content)]
    return []


def _map(content: Any, place: Place, level: int) -> dict[str, Typed]:
    if level > MAX_LEVELS:
        _refuse_depth(content, place)
    elif not isinstance(content, dict):
        place.refuse(content, "must be an object of typed values", 'write {"name": {"S": "text"}}')
    else:
        return {
            _text(str(name), place.field(name)): typed_value(member, place.field(name), level)
            for name, member in content.items()
        }
    return {}


def _set(content: Any, place: Place, scalar: Callable[[Any, Place], str]) -> list[str]:
    if not isinstance(content, list | tuple) or not content:
        rule = "must be a list of at least one; DynamoDB has no empty set"
        place.refuse(content, rule, "give its members, or leave the attribute out")
        return []
    members: dict[str, None] = {}
    for index, member in enumerate(content):
        before = len(place.problems)
        found = scalar(member, place.index(index))
        if found in members and len(place.problems) == before:
            place.index(index).refuse(member, "stands in the set twice", "leave one of them out")
        members[found] = None
    return list(members)


def _string(content: Any, place: Place) -> str:
    if isinstance(content, str):
        return _text(content, place)
    place.refuse(content, "must be text", "put it in quotes")
    return ""


def _number(content: Any, place: Place) -> str:
    if not isinstance(content, str):
        place.refuse(content, "must be a number as text", 'put it in quotes: {"N": "1.5"}')
        return "0"
    try:
        return number_text(content)
    except ValueError as error:
        place.refuse(content, str(error), "give a number that DynamoDB can hold, without spaces")
        return "0"


def _binary(content: Any, place: Place) -> str:
    try:
        data = base64.b64decode(content, validate=True) if isinstance(content, str) else None
    except (binascii.Error, ValueError):
        data = None
    if data is None:
        place.refuse(content, "must be text in base64", "encode the bytes in base64, padded")
        return ""
    return base64.b64encode(data).decode("ascii")


def _bool(content: Any, place: Place) -> bool:
    if not isinstance(content, bool):
        place.refuse(content, "must be true or false", "write it without quotes")
    return content is True


def _null(content: Any, place: Place) -> bool:
    if content is not True:
        place.refuse(content, "must be true", 'write {"NULL": true}')
    return True


_SCALARS: dict[str, Callable[[Any, Place], Any]] = {
    "S": _string,
    "N": _number,
    "B": _binary,
    "BOOL": _bool,
    "NULL": _null,
}
