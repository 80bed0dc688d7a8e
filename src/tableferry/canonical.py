"""One spelling for equal content: maps and sets sorted, numbers normalised.

DynamoDB promises no order of attributes or set members, and trims numbers on write; two items are
equal when their canonical bytes are. Attributes that global tables add (`aws:rep:*`) are left
out.
"""

import base64
from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from typing import Any

from tableferry.items import WireItem, encode, typed

# 38 digits is DynamoDB's limit [DDB:Constraints]; a user's own text may be longer before it is
# refused.
_EXACT = Context(prec=60)


def number(text: str) -> str:
    """The one spelling of a number: no trailing zeros, no plus signs, zero has no sign."""
    value = Decimal(text)
    if value == 0:
        return "0"
    return str(value.normalize(_EXACT))


def _binary(text: str) -> str:
    return base64.b64encode(base64.b64decode(text)).decode("ascii")


def value(attribute: dict[str, Any]) -> Any:
    """The canonical form of one typed value, as nested lists."""
    ((kind, content),) = attribute.items()
    canonical = _CANONICAL.get(kind)
    return [kind, canonical(content) if canonical else content]


_CANONICAL: dict[str, Callable[[Any], Any]] = {
    "N": number,
    "B": _binary,
    "NS": lambda members: sorted(number(each) for each in members),
    "BS": lambda members: sorted(_binary(each) for each in members),
    "SS": sorted,
    "L": lambda elements: [value(each) for each in elements],
    "M": lambda content: [[name, value(content[name])] for name in sorted(content)],
}


def item_bytes(item: WireItem) -> bytes:
    """The canonical bytes of an item."""
    names = sorted(name for name in item if not name.startswith("aws:rep:"))
    return encode([[name, value(typed(item[name]))] for name in names])


def key_bytes(item: WireItem, names: Sequence[str]) -> bytes:
    """The canonical bytes of an item's key: equal exactly where DynamoDB sees one key."""
    return encode([value(typed(item[name])) for name in names])
