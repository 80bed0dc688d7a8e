"""One line of a file as an item, or what is wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from tableferry.errors import Problem
from tableferry.item_size import MAX_ITEM_BYTES, item_bytes
from tableferry.items import encode, from_typed
from tableferry.transform.findings import Place
from tableferry.transform.typed_values import typed_value

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands at a place such as `prefs.jsonl:17003`; `item` (DynamoDB JSON) counts only
    without problems.
    """

    place: str
    item: Item
    problems: tuple[Problem, ...] = ()

    @classmethod
    def refused(cls, place: str, value: object, rule: str, remedy: str) -> "Entry":
        found = Place(place)
        found.refuse(value, rule, remedy)
        return cls(place, {}, tuple(found.problems))

    @classmethod
    def of_typed(cls, place: str, attributes: dict[str, Any]) -> "Entry":
        """The item of these attributes in DynamoDB JSON, every value checked, numbers exact."""
        at = Place(place)
        item = {name: typed_value(value, at.field(name)) for name, value in attributes.items()}
        if not at.problems and len(encode(item)) > MAX_ITEM_BYTES:
            size = item_bytes(from_typed(item))
            if size > MAX_ITEM_BYTES:
                rule = f"is an item of {size:,} bytes; DynamoDB takes {MAX_ITEM_BYTES:,}"
                at.refuse(None, rule, "leave it out, or make it smaller")
        return cls(place, item, tuple(at.problems))


class Source(Protocol):
    """A file or folder of items that can be read again and again."""

    @property
    def said(self) -> list[str]:
        """What it was taken for, in words."""

    def entries(self) -> Iterator[Entry]: ...
