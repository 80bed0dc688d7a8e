"""One spelling for equal content: maps and sets sorted, numbers normalised.

DynamoDB promises no order of attributes or set members, and trims numbers on write; two items are
equal when their canonical bytes are. Attributes that global tables add (`aws:rep:*`) are left
out.
"""

import base64
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Context, Decimal
from typing import Any

import msgspec

from tableferry.items import WireItem, encode, typed

GLOBAL_TABLE_PREFIX = "aws:rep:"

# 38 digits is DynamoDB's limit [DDB:Constraints]; a user's own text may be longer before it is
# refused.
_EXACT = Context(prec=60)
_SHORT_INTEGER = re.compile(r"0|-?[1-9]\d{0,14}", re.ASCII).fullmatch

_decode = msgspec.json.Decoder(dict[str, dict[str, Any]]).decode
_encode_sorted = msgspec.json.Encoder(order="deterministic").encode


def number(text: str) -> str:
    """The one spelling of a number: no exponent, no zeros around it, zero has no sign."""
    if _SHORT_INTEGER(text):
        return text
    value = Decimal(text)
    return format(value.normalize(_EXACT), "f") if value else "0"


def value(attribute: dict[str, Any]) -> dict[str, Any]:
    """One typed value in its canonical spelling; the given one stays as it is."""
    decoded = _decode(encode({"": attribute}))
    _spell(decoded.values())
    return decoded[""]


def _spell(values: Iterable[dict[str, Any]]) -> None:
    """Puts the canonical spelling in place of each value's content."""
    for each in values:
        for kind, content in each.items():
            spelling = _SPELLINGS.get(kind)
            if spelling is not None:
                each[kind] = spelling(content)


def _binary(text: str) -> str:
    return base64.b64encode(base64.b64decode(text)).decode("ascii")


def _list(elements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    _spell(elements)
    return elements


def _map(content: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    _spell(content.values())
    return content


# What is not named here (S, BOOL, NULL) has one spelling; the encoder sorts the names of maps.
_SPELLINGS: dict[str, Callable[[Any], Any]] = {
    "N": number,
    "B": _binary,
    "NS": lambda members: sorted(map(number, members)),
    "BS": lambda members: sorted(map(_binary, members)),
    "SS": sorted,
    "L": _list,
    "M": _map,
}


def item_bytes(item: WireItem) -> bytes:
    """The canonical bytes of an item."""
    content = _decode(encode(item))
    _spell(content.values())
    for name in [name for name in content if name.startswith(GLOBAL_TABLE_PREFIX)]:
        del content[name]
    return _encode_sorted(content)


def key_bytes(item: WireItem, names: Sequence[str]) -> bytes:
    """The canonical bytes of an item's key: equal exactly where DynamoDB sees one key."""
    values = [typed(item[name]) for name in names]
    _spell(values)
    return encode(values)
