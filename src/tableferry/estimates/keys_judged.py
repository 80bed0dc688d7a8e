"""What the keys and the steps of a migration say before it begins: skew, collisions, ways back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tableferry import canonical
from tableferry.checking.sampling import Sampled, collisions
from tableferry.checking.validating import Validation
from tableferry.errors import ItemError
from tableferry.estimates.skew import Skew, collection_warning, skew_of
from tableferry.items import WireItem
from tableferry.spec import MigrationSpec
from tableferry.table_facts import IndexFacts
from tableferry.transform import Transform, destination_key_tells_source_key
from tableferry.transform.inverting import inverse_of


@dataclass(frozen=True, slots=True)
class KeysJudged:
    """`untold` says why a destination key does not tell its source key, None where it does."""

    skews: Sequence[Skew]
    warnings: Sequence[str]
    collisions: int
    untold: str | None
    inverse: dict[str, Any]

    @property
    def hottest_share(self) -> float:
        """Of the writes, the share that goes to one partition key of the destination's table."""
        own = [each.share for each in self.skews if each.of == "the destination" and each.is_hot]
        return max(own, default=0.0)

    def to_json(self) -> dict[str, Any]:
        return {
            "keys": {
                "tellsSourceKey": self.untold is None,
                "reason": self.untold,
                "sampledCollisions": self.collisions,
            },
            "skew": [each.to_json() for each in self.skews],
            **self.inverse,
        }


def judge_keys(spec: MigrationSpec, found: Validation, written_bytes: float) -> KeysJudged:
    """Judges what validation sampled; makes no call."""
    transform = Transform.compile(spec.transform)
    after = [each.after for each in found.all_sampled if each.after is not None]
    skews, warnings = _skews(found, after, written_bytes)
    untold = None
    collided = 0
    if found.source is not None and found.planned is not None:
        keys = found.planned.rules.primary
        untold = destination_key_tells_source_key(transform, found.source.key_names, keys)
        if found.sample is not None:
            collided = len(collisions(found.sample, keys))
    inverse = _inverse(spec, found.all_sampled)
    return KeysJudged(skews, warnings, collided, untold, inverse)


def _skews(
    found: Validation, after: Sequence[WireItem], written_bytes: float
) -> tuple[list[Skew], list[str]]:
    """The skew of each partition key that the sample shows, and what it warns of."""
    skews: list[Skew] = []
    warnings: list[str] = []
    if found.source is not None:
        before = [each.before for each in found.all_sampled]
        _add(skews, skew_of(before, found.source.key_names[0], "the source"))
    if found.planned is None:
        return skews, warnings
    indexes = _indexes(found)
    own = skew_of(after, found.planned.keys[0].name, "the destination")
    _add(skews, own)
    if own is not None:
        local = sum(index.is_local for index in indexes)
        grown = collection_warning(own, written_bytes, local)
        warnings += [grown] if grown else []
    for index in indexes:
        if not index.is_local:
            _add(skews, skew_of(after, index.keys[0], f"the index {index.name}"))
    warnings += [each.warning() for each in skews if each.is_hot and each.of != "the source"]
    source = [each for each in skews if each.is_hot and each.of == "the source"]
    if source and not any(each.is_hot for each in skews if each.of == "the destination"):
        warnings += [each.warning() for each in source]
    return skews, warnings


def _add(skews: list[Skew], skew: Skew | None) -> None:
    if skew is not None:
        skews.append(skew)


def _indexes(found: Validation) -> Sequence[IndexFacts]:
    if found.destination is not None:
        return found.destination.indexes
    return found.planned.indexes if found.planned is not None else ()


def _inverse(spec: MigrationSpec, sampled: Sequence[Sampled]) -> dict[str, Any]:
    """The steps back where they hold for every sampled item; null with the reason otherwise."""
    steps, said = inverse_of(spec.transform)
    if steps is None:
        return {"inverse": None, "inverseNote": said}
    back = Transform.compile(steps)
    tried = [each for each in sampled if each.after is not None]
    wrong = [each for each in tried if not _comes_back(each, back)]
    if wrong:
        note = f"the steps back do not hold for {len(wrong):,} of {len(tried):,} sampled items"
        return {"inverse": None, "inverseNote": f"{note}: {said}"}
    note = f"it holds for all of {len(tried):,} sampled items, which is no proof: {said}"
    return {"inverse": steps, "inverseNote": note}


def _comes_back(each: Sampled, back: Transform) -> bool:
    try:
        again = back.apply(each.after) if each.after is not None else None
    except ItemError:
        return False
    return again is not None and canonical.item_bytes(again) == canonical.item_bytes(each.before)
