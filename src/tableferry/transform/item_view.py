"""A wire item as JSONata sees it, and a JSONata value as DynamoDB stores it.

N is a number, B base64 text, a set an array in sorted order, M an object in the order of its keys: DynamoDB
promises neither order, and an expression must not depend on it.
"""

from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from decimal import Decimal
from typing import Any

from msgspec import Raw

from tableferry.items import WireItem, typed
from tableferry.transform.decimals import double_of, number_text_of_double
from tableferry.transform.expression_functions import NULL, ExpressionFaultError, utf8_text
from tableferry.transform.findings import quoted
from tableferry.transform.typed_values import MAX_LEVELS, Typed

# A value takes at least a byte, and an item holds 400 KB [DDB:Constraints].
_MAX_VALUES = 409_600


class ItemView(dict[str, Any]):
    """The item as an object whose attributes are decoded when they are read.

    A number that a double would change is refused there, so it hurts only the expressions that use it. What gets
    by these methods meets `Raw`, which no JSONata function takes: an error, never a wrong answer.
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

    def keys(self) -> KeysView[str]:
        ordered = {name: super(ItemView, self).get(name) for name in sorted(super().keys())}
        self.clear()
        self.update(ordered)
        return super().keys()

    def _decode_all(self) -> None:
        for name in list(self.keys()):
            self.get(name)

    def items(self) -> ItemsView[str, Any]:
        self._decode_all()
        return super().items()

    def values(self) -> ValuesView[Any]:
        self._decode_all()
        return super().values()

    def __eq__(self, other: object) -> bool:
        self._decode_all()
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]


def _decoded(value: Typed, name: str) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return _number(content, name)
        case "NULL":
            return NULL
        case "L":
            return [_decoded(member, name) for member in content]
        case "M":
            return {key: _decoded(content[key], name) for key in sorted(content)}
        case "NS":
            return [_number(text, name) for text in sorted(content, key=Decimal)]
        case "SS" | "BS":
            return sorted(content)
        case _:
            return content


def _number(text: str, name: str) -> int | float:
    try:
        return double_of(text)
    except ValueError:
        raise ExpressionFaultError(
            f"the number {text} in attribute {quoted(name)} would be changed by a double, which JSONata computes with"
        ) from None


def typed_result(value: Any) -> Typed:
    """The typed form of what an expression answered; raises ExpressionFaultError for what DynamoDB can not hold."""
    return _Encoding().encoded(value, 0)


class _Encoding:
    """One result on its way; counts its values, for an expression can refer to one part many times."""

    def __init__(self) -> None:
        self._values = 0

    def encoded(self, value: Any, level: int) -> Typed:
        self._values += 1
        if level > MAX_LEVELS or self._values > _MAX_VALUES:
            raise ExpressionFaultError(f"the result is larger than an item, or deeper than {MAX_LEVELS} levels")
        if isinstance(value, str):
            return {"S": utf8_text(value)}
        if isinstance(value, bool):
            return {"BOOL": value}
        if isinstance(value, int | float):
            return {"N": _number_text(value)}
        if value is NULL or value is None:
            return {"NULL": True}
        if isinstance(value, dict):
            return {"M": {utf8_text(key): self.encoded(v, level + 1) for key, v in value.items()}}
        if isinstance(value, list):
            return {"L": [self.encoded(member, level + 1) for member in value]}
        raise ExpressionFaultError("the result is a function, not a value")


def _number_text(value: int | float) -> str:
    try:
        return number_text_of_double(value)
    except ValueError as error:
        raise ExpressionFaultError(f"the resulting number {value:.15g} {error}") from None
