"""Whether the source items that a stretch of the stream mentions are equal on both sides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tableferry import canonical
from tableferry.items import WireItem, key_of
from tableferry.live.applying import target_of
from tableferry.live.changes import Change
from tableferry.live.tombstones import is_tombstone
from tableferry.segments.copying import KeyRules
from tableferry.transform import Transform
from tableferry.verification.rereading import ItemReader


@dataclass(slots=True)
class Mentions:
    """Source items by their canonical key, each with every destination key that it was ever at."""

    transform: Transform
    rules: KeyRules
    source_keys: dict[bytes, dict[str, Any]] = field(default_factory=dict)
    places: dict[bytes, dict[bytes, dict[str, Any]]] = field(default_factory=dict)

    def see(self, change: Change) -> None:
        """Remembers a record's item and the places of both its images."""
        self.source_keys[change.source_key] = change.key
        places = self.places.setdefault(change.source_key, {})
        for image in (change.old, change.new):
            item = target_of(image, self.transform, self.rules).item
            if item is not None:
                key = canonical.key_bytes(item, self.rules.primary)
                places[key] = key_of(item, self.rules.primary)

    def __len__(self) -> int:
        return len(self.source_keys)


def unequal(
    mentions: Mentions, wanted: Sequence[bytes], source: ItemReader, destination: ItemReader
) -> list[bytes]:
    """The wanted source keys whose items are not equal on both sides, by consistent reads.

    Equal: the item stands transformed under its key, and under every other key that it was ever at
    stands nothing (or a tombstone). An item that can not be migrated is nobody's equal here: it is
    dirty, and said so elsewhere.
    """
    found = _by_key(source.read(mentions.source_keys[key] for key in wanted), source.key_names)
    expected: dict[bytes, dict[bytes, WireItem | None]] = {}
    for key in wanted:
        places: dict[bytes, WireItem | None] = dict.fromkeys(mentions.places[key])
        item = target_of(found.get(key), mentions.transform, mentions.rules).item
        if item is not None:
            places[canonical.key_bytes(item, mentions.rules.primary)] = item
        expected[key] = places
    keys = [place for key in wanted for place in mentions.places[key].values()]
    keys += [
        key_of(item, mentions.rules.primary)
        for places in expected.values()
        for item in places.values()
        if item is not None
    ]
    held = _by_key(destination.read(keys), mentions.rules.primary)
    return [
        key
        for key in wanted
        if not all(_equal(item, held.get(place)) for place, item in expected[key].items())
    ]


def _by_key(items: Iterable[WireItem], key_names: Sequence[str]) -> dict[bytes, WireItem]:
    return {canonical.key_bytes(item, key_names): item for item in items}


def _equal(expected: WireItem | None, held: WireItem | None) -> bool:
    there = None if held is None or is_tombstone(held) else held
    if expected is None or there is None:
        return expected is there
    return canonical.item_bytes(expected) == canonical.item_bytes(there)


def change_of(record: dict[str, Any], key_names: Sequence[str]) -> Change:
    """A change from a record as GetRecords gives it: as Lambda's, but with a datetime and bytes."""
    stream = dict(record["dynamodb"])
    stream["ApproximateCreationDateTime"] = stream["ApproximateCreationDateTime"].timestamp()
    return Change.from_record({"dynamodb": stream}, key_names)
