"""A wire item as JSONata sees it, and a JSONata value as DynamoDB stores it.

N is a number, B base64 text, a set a sorted array, M an object with sorted keys: DynamoDB promises
no order of either, and an expression must not depend on it.
"""

from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from decimal import Decimal
from typing import Any

from msgspec import Raw

from tableferry.items import WireItem, typed
from tableferry.transform.decimals import double_of, number_text_of_double
from tableferry.transform.findings import quoted
from tableferry.transform.jsonata_values import NULL, Allowance, ExpressionFaultError, utf8_text
from tableferry.transform.typed_values import MAX_LEVELS, Typed


class ItemView(dict[str, Any]):
    """The item as an object whose attributes are decoded when they are read.

    A number that a double would change is refused at that moment, so it hurts only expressions
    that use it. What gets around these methods meets `Raw`, which JSONata does not know: an error,
    never a wrong answer.
    """

    def __init__(self, item: WireItem) -> None:
        super().__init__(item)

    def get(self, name: str, default: Any = None) -> Any:
        value = super().get(name, default)
        if type(value) is Raw:
            value = _decoded(typed(value), name)
            super().__setitem__(name, value)
        return value

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(name)
        return self.get(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def keys(self) -> KeysView[str]:  # type: ignore[override]
        ordered = sorted(super().items())
        self.clear()
        self.update(ordered)
        return super().keys()

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        self._decode_all()
        return super().items()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        self._decode_all()
        return super().values()

    def __eq__(self, other: object) -> bool:
        self._decode_all()
        return super().__eq__(other)

    __hash__ = None

    def _decode_all(self) -> None:
        for name in list(self.keys()):
            self.get(name)


def _decoded(value: Typed, name: str) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "S" | "B" | "BOOL":
            decoded = content
        case "N":
            decoded = _number(content, name)
        case "L":
            decoded = [_decoded(member, name) for member in content]
        case "M":
            decoded = {key: _decoded(content[key], name) for key in sorted(content)}
        case "NS":
            decoded = [_number(text, name) for text in sorted(content, key=Decimal)]
        case "SS" | "BS":
            decoded = sorted(content)
        case _:
            decoded = NULL
    return decoded


def _number(text: str, name: str) -> int | float:
    try:
        return double_of(text)
    except ValueError:
        reason = f"the number {text} in attribute {quoted(name)} would be changed by a double"
        hint = f"cast {quoted(name)} to S in a step before, or use a python step"
        raise ExpressionFaultError(f"{reason}, which JSONata computes with", hint) from None


def typed_result(value: Any) -> Typed:
    """The typed form of an expression's answer; raises ExpressionFaultError where there is none."""
    return _typed(value, 0, Allowance())


def _typed(value: Any, level: int, allowance: Allowance) -> Typed:
    allowance.take_one()
    if level > MAX_LEVELS:
        raise ExpressionFaultError(f"the result is deeper than {MAX_LEVELS} levels")
    if isinstance(value, dict):
        members = value.items()
        return {"M": {utf8_text(key): _typed(v, level + 1, allowance) for key, v in members}}
    if isinstance(value, list):
        return {"L": [_typed(member, level + 1, allowance) for member in value]}
    return _typed_scalar(value)


def _typed_scalar(value: Any) -> Typed:
    if isinstance(value, str):
        return {"S": utf8_text(value)}
    if isinstance(value, bool):
        return {"BOOL": value}
    if value is NULL or value is None:
        return {"NULL": True}
    if not isinstance(value, int | float):
        raise ExpressionFaultError("the result is or holds a function, not a value")
    try:
        return {"N": number_text_of_double(value)}
    except ValueError as error:
        raise ExpressionFaultError(f"the resulting number {error}") from None
