"""DynamoDB JSON out of a step's `value`: plain JSON, or an exact type as `{"typed": {…}}`."""

import base64
import binascii
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tableferry.transform.findings import Findings, did_you_mean
from tableferry.transform.decimals import number_text, number_text_of_json

# Lists and maps nest up to 32 levels [DDB:Constraints].
MAX_LEVELS = 32
_TYPES = ("S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M")
_TYPED_REMEDY = 'write the exact DynamoDB type, such as {"typed": {"N": "…"}}'

Typed = dict[str, Any]


def looks_like_expression(text: str) -> bool:
    """Whether someone meant JSONata, with or without something around it."""
    stripped = text.strip()
    return stripped.startswith("{%") or stripped.endswith("%}")


def has_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def plain_value(value: Any, path: str, findings: Findings, level: int = 0) -> Typed:
    """The typed form of plain JSON; what can not be typed exactly is added to the findings."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": _plain_text(value, path, findings)}
        case int() | float() | Decimal():
            return {"N": _plain_number(value, path, findings)}
        case list() | tuple() | dict() if level == MAX_LEVELS:
            _too_deep(value, path, findings)
        case list() | tuple():
            members = enumerate(value)
            return {"L": [plain_value(v, f"{path}[{i}]", findings, level + 1) for i, v in members]}
        case dict():
            return {"M": _plain_map(value, path, findings, level + 1)}
        case _:
            findings.add(path, value, "is not JSON", "give text, a number, true, false, null, a list or an object")
    return {"NULL": True}


def _plain_text(value: str, path: str, findings: Findings) -> str:
    if looks_like_expression(value):
        rule = "an expression must be the whole value, from {% to %}"
        remedy = 'write "{% … %}" as the value itself, or {"typed": {"S": "…"}} for text that only looks like it'
        findings.add(path, value, rule, remedy)
    return _text(value, path, findings)


def _text(value: str, path: str, findings: Findings) -> str:
    if not has_utf8(value):
        findings.add(path, value, "holds half a surrogate pair, which is not text in UTF-8", "leave that character out")
    return value


def _plain_number(value: float | Decimal, path: str, findings: Findings) -> str:
    try:
        return number_text_of_json(value)
    except ValueError as error:
        findings.add(path, _number_shown(value), str(error), _TYPED_REMEDY)
        return "0"


def _number_shown(value: float | Decimal) -> Any:
    finite = not isinstance(value, Decimal) and value == value and abs(value) < float("inf")
    return value if finite else str(value)


def _plain_map(value: dict[Any, Any], path: str, findings: Findings, level: int) -> dict[str, Typed]:
    typed: dict[str, Typed] = {}
    for name, member in value.items():
        inside = f"{path}.{name}"
        typed[_text(str(name), inside, findings)] = plain_value(member, inside, findings, level)
    return typed


def _too_deep(value: Any, path: str, findings: Findings) -> None:
    rule = f"is nested deeper than the {MAX_LEVELS} levels that DynamoDB allows"
    findings.add(path, value, rule, "make it flatter")


def typed_value(value: Any, path: str, findings: Findings, level: int = 0) -> Typed:
    """The exact type as given, with its rules checked and its numbers in DynamoDB's one spelling."""
    if not isinstance(value, dict) or len(value) != 1:
        findings.add(path, value, "must be an object with one key, the DynamoDB type", 'write it like {"S": "text"}')
        return {"NULL": True}
    ((kind, content),) = value.items()
    if kind not in _TYPES:
        findings.add(f"{path}.{kind}", kind, "is not a DynamoDB type", did_you_mean(kind, _TYPES))
        return {"NULL": True}
    inside = f"{path}.{kind}"
    if kind in ("L", "M"):
        return {kind: _container(kind, content, inside, findings, level + 1)}
    if kind in ("SS", "NS", "BS"):
        return {kind: _set(kind, content, inside, findings)}
    return {kind: _SCALARS[kind](content, inside, findings)}


def _container(kind: str, content: Any, path: str, findings: Findings, level: int) -> Any:
    if level > MAX_LEVELS:
        _too_deep(content, path, findings)
    elif kind == "L" and isinstance(content, list | tuple):
        return [typed_value(v, f"{path}[{i}]", findings, level) for i, v in enumerate(content)]
    elif kind == "M" and isinstance(content, dict):
        return {
            _text(str(name), f"{path}.{name}", findings): typed_value(v, f"{path}.{name}", findings, level)
            for name, v in content.items()
        }
    else:
        noun = "a list" if kind == "L" else "an object"
        findings.add(path, content, f"must be {noun} of typed values", 'write them like {"S": "text"}')
    return []


def _set(kind: str, content: Any, path: str, findings: Findings) -> list[str]:
    if not isinstance(content, list | tuple) or not content:
        rule = "must be a list of at least one; DynamoDB has no empty set"
        findings.add(path, content, rule, "give its members, or leave the attribute out")
        return []
    scalar = _SCALARS[kind[0]]
    members: dict[str, None] = {}
    for index, member in enumerate(content):
        before = len(findings.problems)
        found = scalar(member, f"{path}[{index}]", findings)
        if found in members and len(findings.problems) == before:
            findings.add(f"{path}[{index}]", member, "stands in the set twice", "leave one of them out")
        members[found] = None
    return list(members)


def _string(content: Any, path: str, findings: Findings) -> str:
    if isinstance(content, str):
        return _text(content, path, findings)
    findings.add(path, content, "must be text", "put it in quotes")
    return ""


def _number(content: Any, path: str, findings: Findings) -> str:
    if not isinstance(content, str):
        findings.add(path, content, "must be a number as text", 'put it in quotes, such as {"N": "1.5"}')
        return "0"
    try:
        return number_text(content)
    except ValueError as error:
        findings.add(path, content, str(error), "give a number that DynamoDB can hold, without spaces")
        return "0"


def _binary(content: Any, path: str, findings: Findings) -> str:
    try:
        data = base64.b64decode(content, validate=True) if isinstance(content, str) else None
    except (binascii.Error, ValueError):
        data = None
    if data is None:
        findings.add(path, content, "must be text in base64", "encode the bytes in base64, with its padding")
        return ""
    return base64.b64encode(data).decode("ascii")


def _bool(content: Any, path: str, findings: Findings) -> bool:
    if not isinstance(content, bool):
        findings.add(path, content, "must be true or false", "write it without quotes")
    return content is True


def _null(content: Any, path: str, findings: Findings) -> bool:
    if content is not True:
        findings.add(path, content, "must be true", 'write {"NULL": true}')
    return True


_SCALARS: dict[str, Callable[[Any, str, Findings], Any]] = {
    "S": _string,
    "N": _number,
    "B": _binary,
    "BOOL": _bool,
    "NULL": _null,
}
