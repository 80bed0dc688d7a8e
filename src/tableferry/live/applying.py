"""What a batch of changes makes of the destination; pure.

Records are walked in stream order. For every destination key that any of them mentions the last
state counts: an item, or nothing. Nothing is not the same as not mentioned: while copy workers may
hold stale reads, each key that holds nothing gets a tombstone, also one that an item only passed
through (key 0 → 1 → 2 leaves tombstones at 0 and 1).

Destination keys tell their source keys (spec rule for live), so two source items never share one,
and the changes of different items may be merged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tableferry import canonical
from tableferry.errors import ItemError
from tableferry.items import WireItem, key_of
from tableferry.live.changes import Change
from tableferry.live.tombstones import objection
from tableferry.segments.copying import KeyRules
from tableferry.transform import Transform


@dataclass(frozen=True, slots=True)
class Poison:
    """A record that can never be applied: its images stay in quarantine, its keys are dirty."""

    change: Change
    reason: str
    destination_keys: tuple[dict[str, Any], ...]


@dataclass(slots=True)
class Settlement:
    """The last state of every destination key that the batch mentions.

    `items` and `nothing` are by canonical key; an entry of `nothing` holds the key's attributes.
    """

    items: dict[bytes, tuple[Change, WireItem]] = field(default_factory=dict)
    nothing: dict[bytes, WireItem] = field(default_factory=dict)
    poison: list[Poison] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Target:
    """Where an image goes: its transformed item, or why it has none."""

    item: WireItem | None
    reason: str | None


def settle(changes: Sequence[Change], transform: Transform, rules: KeyRules) -> Settlement:
    """Walks the changes in stream order; never raises for an item."""
    result = Settlement()
    for change in changes:
        old = target_of(change.old, transform, rules)
        new = target_of(change.new, transform, rules)
        if old.item is not None:
            _empty(result, old.item, rules)
        if new.item is not None:
            _fill(result, change, new.item, rules)
        reasons = [each for each in (old.reason, new.reason) if each]
        if reasons:
            known = [target.item for target in (old, new) if target.item is not None]
            keys = tuple(key_of(item, rules.primary) for item in known)
            result.poison.append(Poison(change, "; ".join(reasons), keys))
    return result


def target_of(image: WireItem | None, transform: Transform, rules: KeyRules) -> Target:
    """An image's item in the destination; neither item nor reason where there is none to be."""
    if image is None:
        return Target(None, None)
    refused = objection(image)
    if refused is not None:
        return Target(None, refused)
    try:
        item = transform.apply(image)
    except ItemError as error:
        return Target(None, error.cause)
    if item is None:
        return Target(None, None)
    problem = rules.problem(item) or objection(item)
    return Target(None, problem) if problem else Target(item, None)


def _empty(result: Settlement, item: WireItem, rules: KeyRules) -> None:
    key = canonical.key_bytes(item, rules.primary)
    result.items.pop(key, None)
    result.nothing[key] = {name: item[name] for name in rules.primary}


def _fill(result: Settlement, change: Change, item: WireItem, rules: KeyRules) -> None:
    key = canonical.key_bytes(item, rules.primary)
    result.nothing.pop(key, None)
    result.items[key] = (change, item)
