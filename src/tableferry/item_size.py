"""How large DynamoDB takes an item to be, and what it costs to read and write it.

Sizes follow [DDB23:CapacityUnitCalculations]: names and text in UTF-8, a number about one byte for
two significant digits and one more, a list or map 3 bytes and one for each member.
"""

import math
from collections.abc import Mapping
from typing import Any

from tableferry.items import WireItem, to_typed

MAX_ITEM_BYTES = 400 * 1024
READ_UNIT_BYTES = 4096  # a consistent read; half the units where it need not be
WRITE_UNIT_BYTES = 1024


def item_bytes(item: WireItem) -> int:
    """The size of an item as DynamoDB counts it, within a few bytes for numbers."""
    return _map_bytes(to_typed(item))


def write_units(size_bytes: int) -> int:
    """Units of one put or delete: 1 KB steps, of the larger of old and new item."""
    return max(1, math.ceil(size_bytes / WRITE_UNIT_BYTES))


def _map_bytes(attributes: Mapping[str, Any]) -> int:
    return sum(len(name.encode()) + _value_bytes(value) for name, value in attributes.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind in {"BOOL", "NULL"}:
        return 1
    if kind == "M":
        return 3 + len(content) + _map_bytes(content)
    if kind == "L":
        return 3 + sum(1 + _value_bytes(member) for member in content)
    if kind in {"SS", "NS", "BS"}:
        return sum(_scalar_bytes(kind[0], member) for member in content)
    return _scalar_bytes(kind, content)


def _scalar_bytes(kind: str, content: str) -> int:
    if kind == "N":
        return _number_bytes(content)
    if kind == "B":
        return len(content) * 3 // 4 - content.count("=")
    return len(content.encode())


def _number_bytes(text: str) -> int:
    mantissa = text.lower().partition("e")[0]
    digits = mantissa.lstrip("-+").replace(".", "").strip("0")
    return 1 + math.ceil(len(digits) / 2) + text.startswith("-")
