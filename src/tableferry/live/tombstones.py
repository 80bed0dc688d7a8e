"""Tombstones: a marker item that says "deleted; do not insert" while stale reads may still
arrive.
"""

from collections.abc import Sequence

from tableferry.items import WireItem, raw

# No application's attribute has this name by chance, and `aws:` is not ours to use.
INTERNAL = "tableferry:tombstone"


def tombstone(item: WireItem, key_names: Sequence[str]) -> WireItem:
    """The tombstone under the item's key; it has no other attribute, so no sparse index shows
    it.
    """
    return {**{name: item[name] for name in key_names}, INTERNAL: raw({"BOOL": True})}


def is_tombstone(item: WireItem) -> bool:
    return INTERNAL in item


def objection(item: WireItem) -> str | None:
    """Why a source item can not be migrated live: it would pass for a tombstone."""
    if INTERNAL in item:
        return (
            f"the item has an attribute {INTERNAL!r}, the name that Tableferry marks deletions with"
        )
    return None
