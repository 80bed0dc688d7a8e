"""boto3's Python types for wire items: Decimal, Binary and sets, as `Table.get_item` gives them."""

import base64
from functools import cache
from typing import Any


@cache
def _converters() -> tuple[Any, Any]:
    # boto3 takes a tenth of a second to import; only transforms with a python step need its types.
    from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

    class FromWire(TypeDeserializer):
        """boto3's, for the wire's base64 text."""

        def _deserialize_b(self, value: str) -> Binary:
            return Binary(base64.b64decode(value))

    class ToWire(TypeSerializer):
        def _serialize_b(self, value: Any) -> str:
            return base64.b64encode(bytes(value)).decode("ascii")

        def _serialize_m(self, value: Any) -> dict[str, Any]:
            for key in value:
                if not isinstance(key, str):
                    raise TypeError(f"the key {key!r} of a map is not text")
            return {key: self.serialize(member) for key, member in value.items()}

        def _serialize_ss(self, value: Any) -> list[str]:
            return sorted(value)

        def _serialize_ns(self, value: Any) -> list[str]:
            return [self.serialize(number)["N"] for number in sorted(value)]

        def _serialize_bs(self, value: Any) -> list[str]:
            return sorted(self._serialize_b(member) for member in value)

    return FromWire().deserialize, ToWire().serialize


def to_python(item: dict[str, Any]) -> dict[str, Any]:
    """The attributes of an item in DynamoDB JSON, as boto3's Table gives them."""
    deserialize, _ = _converters()
    return {name: deserialize(value) for name, value in item.items()}


def from_python(value: Any) -> dict[str, Any]:
    """DynamoDB JSON of one value; raises TypeError, ValueError or ArithmeticError as boto3 does."""
    _, serialize = _converters()
    found: dict[str, Any] = serialize(value)
    return found
