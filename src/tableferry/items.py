"""Items in wire form: a top-level attribute's name and the raw JSON bytes of its value.

What no transform step touches is never decoded, so it arrives bit for bit, whatever its type or
depth.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

WireItem = dict[str, Raw]

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def raw(value: dict[str, Any]) -> Raw:
    """The wire form of one typed value such as `{"S": "x"}`."""
    return Raw(_encoder.encode(value))


def typed(value: Raw) -> dict[str, Any]:
    """One attribute's value in DynamoDB JSON, such as `{"N": "1"}`."""
    decoded: dict[str, Any] = _decoder.decode(value)
    return decoded


def to_typed(item: WireItem) -> dict[str, Any]:
    """The whole item in DynamoDB JSON."""
    return {name: typed(value) for name, value in item.items()}


def from_typed(item: dict[str, Any]) -> WireItem:
    """The wire form of an item in DynamoDB JSON."""
    return {name: raw(value) for name, value in item.items()}


def encode(item: Any) -> bytes:
    """JSON bytes of a wire item, or of anything made of wire items, lists, dicts and scalars."""
    return _encoder.encode(item)


def key_of(item: WireItem, names: Sequence[str]) -> dict[str, Any]:
    """The key attributes of an item in DynamoDB JSON; attributes it lacks are left out."""
    return {name: typed(item[name]) for name in names if name in item}


def shown(key: dict[str, Any]) -> str:
    """A key in DynamoDB JSON as messages show it."""
    return _encoder.encode(key).decode()
