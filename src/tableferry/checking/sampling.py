"""What a sample of the source's items shows about a migration, before it begins.

What every sampled item shows is a fault of the spec. What only some show is a fault of those items:
the copy names them all, so here it is a warning, unless the destination would be emptied for a run
that is known to fail.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tableferry import canonical
from tableferry.errors import ItemError, Problem
from tableferry.item_size import MAX_ITEM_BYTES, item_bytes
from tableferry.items import WireItem, key_of, shown, to_typed
from tableferry.segments.copying import KeyRules
from tableferry.transform import Transform

SHOWN_ITEMS = 3
# So few items may well share a key by chance of the sample; more that all do are no chance.
FEW_ITEMS = 10


@dataclass(frozen=True, slots=True)
class Sampled:
    """A source item and what became of it: a new item, None (filtered), or a reason against it."""

    source_key: dict[str, Any]
    before: WireItem
    after: WireItem | None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "before": to_typed(self.before),
            "after": None if self.after is None else to_typed(self.after),
        }


@dataclass(frozen=True, slots=True)
class Sample:
    """The sampled items in scan order; `is_all`: the source holds no others."""

    items: Sequence[Sampled]
    is_all: bool

    @property
    def migrated(self) -> list[WireItem]:
        return [each.after for each in self.items if each.after is not None]

    @property
    def refused(self) -> list[Sampled]:
        return [each for each in self.items if each.reason is not None]

    @property
    def filtered(self) -> int:
        return (
            len(self.items) - len(self.migrated) - sum(each.after is None for each in self.refused)
        )

    def to_json(self) -> list[dict[str, Any]]:
        """Three items before and after; those that are migrated first."""
        ordered = sorted(self.items, key=lambda each: each.after is None)
        return [each.to_json() for each in ordered[:SHOWN_ITEMS]]


def take_sample(
    items: Sequence[WireItem], transform: Transform, source_key: Sequence[str], *, is_all: bool
) -> Sample:
    """Transforms each item of a page of the source."""
    return Sample([_transformed(item, transform, source_key) for item in items], is_all)


def _transformed(item: WireItem, transform: Transform, source_key: Sequence[str]) -> Sampled:
    key = key_of(item, source_key)
    try:
        return Sampled(key, item, transform.apply(item))
    except ItemError as error:
        return Sampled(key, item, None, error.cause)


def types_of(sample: Sample, attribute: str) -> set[str]:
    """The DynamoDB types that an attribute has in the migrated items that have it."""
    found = [
        to_typed({attribute: item[attribute]}) for item in sample.migrated if attribute in item
    ]
    return {kind for value in found for kind in value[attribute]}


def judge(sample: Sample, rules: KeyRules) -> Sample:
    """The sample with a reason at each migrated item that the destination would refuse."""
    return Sample([_judged(each, rules) for each in sample.items], sample.is_all)


def _judged(sampled: Sampled, rules: KeyRules) -> Sampled:
    if sampled.after is None:
        return sampled
    reason = rules.problem(sampled.after)
    if reason is None:
        size = item_bytes(sampled.after)
        if size > MAX_ITEM_BYTES:
            reason = f"the item has {size:,} bytes; DynamoDB takes {MAX_ITEM_BYTES:,} (400 KB)"
    return Sampled(sampled.source_key, sampled.before, sampled.after, reason)


@dataclass(frozen=True, slots=True)
class Collision:
    """Source items that map to one destination key."""

    source_keys: Sequence[dict[str, Any]]
    key: dict[str, Any]


def collisions(sample: Sample, key_names: Sequence[str]) -> list[Collision]:
    """The destination keys that several sampled items map to."""
    groups: dict[bytes, list[Sampled]] = {}
    for each in sample.items:
        if each.after is not None and each.reason is None:
            groups.setdefault(canonical.key_bytes(each.after, key_names), []).append(each)
    return [
        Collision([each.source_key for each in group], key_of(group[0].after or {}, key_names))
        for group in groups.values()
        if len(group) > 1
    ]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the sample says against the migration; `collision` would refuse it by itself."""

    problems: Sequence[Problem] = ()
    collision: str | None = None
    warnings: Sequence[str] = ()


def verdict(
    sample: Sample, key_names: Sequence[str], path: str, *, quarantines: bool, cleans: bool
) -> Verdict:
    """Judges a sample that `judge` has been through; problems stand at `path` of the spec."""
    problems: list[Problem] = []
    warnings: list[str] = []
    judged = len(sample.items) - sample.filtered
    if sample.items and not judged:
        warnings.append(f"the filter drops every one of {len(sample.items):,} sampled items")
    refused = sample.refused
    if refused:
        named = "; ".join(f"{shown(each.source_key)}: {each.reason}" for each in refused[:3])
        text = f"{len(refused):,} of {judged:,} sampled items can not be migrated: {named}"
        if len(refused) == judged:
            value = refused[0].source_key
            problems.append(Problem(path, value, text, "change the transform, or the keys"))
        elif cleans and not quarantines:
            remedy = "mend those items first: nothing is deleted for a run that is known to fail"
            problems.append(Problem("cleanDestination", True, text, remedy))
        else:
            warnings.append(text)
    collision = _collision_text(sample, collisions(sample, key_names))
    if collision is None:
        return Verdict(problems, None, warnings)
    is_hopeless = _shared(sample, key_names) == len(sample.migrated) >= FEW_ITEMS
    if is_hopeless or cleans:
        return Verdict(problems, collision, warnings)
    return Verdict(problems, None, [*warnings, collision])


def _shared(sample: Sample, key_names: Sequence[str]) -> int:
    return sum(len(each.source_keys) for each in collisions(sample, key_names))


def _collision_text(sample: Sample, found: Sequence[Collision]) -> str | None:
    if not found:
        return None
    shared = sum(len(each.source_keys) for each in found)
    named = " and ".join(shown(key) for key in found[0].source_keys[:2])
    return (
        f"{shared:,} of {len(sample.migrated):,} sampled items share a destination key: "
        f"{named} both map to {shown(found[0].key)}"
    )
