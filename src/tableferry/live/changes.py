"""A stream record as a plain value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tableferry.canonical import key_bytes
from tableferry.items import WireItem, from_typed


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one source item: from `old` to `new`, None where there was or is no item.

    Order is the order of records in their shard; `created_at` (epoch seconds, whole) only tells
    lag.
    """

    sequence_number: str
    source_key: bytes
    key: dict[str, Any]
    old: WireItem | None
    new: WireItem | None
    created_at: float

    @classmethod
    def from_record(cls, record: dict[str, Any], key_names: Sequence[str]) -> "Change":
        """From a record of a stream with NEW_AND_OLD_IMAGES, as Lambda hands it over.

        Event names are INSERT, MODIFY and REMOVE (never DELETE) [BC OperationType]; images say the
        same and more, so the name is not looked at. A delete by time to live is a delete.
        """
        stream = record["dynamodb"]
        keys = from_typed(stream["Keys"])
        return cls(
            sequence_number=str(stream["SequenceNumber"]),
            source_key=key_bytes(keys, key_names),
            key=stream["Keys"],
            old=_image(stream.get("OldImage")),
            new=_image(stream.get("NewImage")),
            created_at=float(stream.get("ApproximateCreationDateTime", 0)),
        )


def _image(image: dict[str, Any] | None) -> WireItem | None:
    return from_typed(image) if image else None
