"""The destination that a run will create: its keys with their types, and how it is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tableferry.addresses import Place
from tableferry.checking.sampling import Sample, types_of
from tableferry.destination.like_source import Clone, like_source
from tableferry.errors import InvalidSpecError, Problem
from tableferry.following import follow, types_after
from tableferry.ports import OptionsPort, TablePort
from tableferry.segments.copying import KeyRules
from tableferry.table_facts import IndexFacts, KeyAttribute, TableFacts, indexes_of

KEY_TYPES = frozenset({"S", "N", "B"})

Steps = Sequence[Mapping[str, Any]]
KeySchema = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Planned:
    """A destination's keys, there or to come, and how it is made where it is made like the source.

    `types` are those of every key attribute, of the table and its indexes.
    """

    keys: tuple[KeyAttribute, ...]
    types: dict[str, str]
    clone: Clone

    @property
    def rules(self) -> KeyRules:
        return KeyRules(tuple(key.name for key in self.keys), self.types)

    @property
    def indexes(self) -> tuple[IndexFacts, ...]:
        """The indexes of a table that is yet to be created."""
        return indexes_of(self.clone.parameters)

    @property
    def is_provisioned(self) -> bool:
        """Whether a table that is yet to be created will be paid for by the hour."""
        return "ProvisionedThroughput" in self.clone.parameters

    @property
    def write_units_per_second(self) -> int | None:
        """What a table that is yet to be created will take; None for what any new table takes."""
        units = self.clone.parameters.get("ProvisionedThroughput", {}).get("WriteCapacityUnits")
        warm = self.clone.parameters.get("WarmThroughput", {}).get("WriteUnitsPerSecond")
        found: int | None = units or warm
        return found


def plan_as_it_is(destination: TableFacts) -> Planned:
    """A table that is there already."""
    return Planned(destination.keys, dict(destination.attribute_types), Clone({}))


def plan_parameters(parameters: Mapping[str, Any]) -> Planned:
    """A table by CreateTable parameters; on demand unless they say otherwise."""
    types = {
        entry["AttributeName"]: entry["AttributeType"]
        for entry in parameters["AttributeDefinitions"]
    }
    keys = tuple(
        KeyAttribute(entry["AttributeName"], types[entry["AttributeName"]], entry["KeyType"])
        for entry in parameters["KeySchema"]
    )
    is_billed = "BillingMode" in parameters or "ProvisionedThroughput" in parameters
    complete = parameters if is_billed else {**parameters, "BillingMode": "PAY_PER_REQUEST"}
    return Planned(keys, types, Clone(complete))


@dataclass(frozen=True, slots=True)
class Model:
    """The source as the model of a new table."""

    facts: TableFacts
    table: TablePort
    options: OptionsPort


def plan_like_source(
    model: Model,
    place: Place,
    *,
    key_schema: KeySchema | None,
    steps: Steps,
    sample: Sample | None,
) -> Planned:
    """A table at `place` like the source, with other keys if `key_schema` says so."""
    keys = destination_keys(model.facts, key_schema, steps, sample)
    settings = model.options.read(model.facts)
    tags = model.table.tags()
    clone = like_source(model.facts, settings, place, keys=keys, steps=steps, tags=tags)
    planned = plan_parameters(clone.parameters)
    return Planned(planned.keys, planned.types, clone)


def destination_keys(
    source: TableFacts, key_schema: KeySchema | None, steps: Steps, sample: Sample | None
) -> tuple[KeyAttribute, ...]:
    """The keys of a destination that is made like the source.

    A key's type is what `keySchema` says, else what the steps make of the source's key attributes,
    else what all sampled items have. Raises InvalidSpecError where nothing tells.
    """
    keys, problems = [], []
    for index, (entry, known) in enumerate(_typed_schema(source, key_schema, steps)):
        name = entry["AttributeName"]
        sampled = types_of(sample, name) if sample else set()
        kind = known or _only(sampled)
        path = "destination.create" if key_schema is None else f"destination.keySchema[{index}]"
        if kind is None and not sampled and (moved := _moved(path, name, steps)):
            problems.append(moved)
        elif kind is None:
            problems.append(_unknown(path, name, sampled))
        else:
            keys.append(KeyAttribute(name, kind, entry["KeyType"]))
    if problems:
        raise InvalidSpecError(problems)
    return tuple(keys)


def needs_sample(source: TableFacts, key_schema: KeySchema | None, steps: Steps) -> bool:
    """Whether only a sample tells the type of a destination key."""
    return any(known is None for _, known in _typed_schema(source, key_schema, steps))


def _typed_schema(
    source: TableFacts, key_schema: KeySchema | None, steps: Steps
) -> list[tuple[Mapping[str, str], str | None]]:
    """Each entry of the key schema with its type, where the spec or the source tells it."""
    same = [{"AttributeName": key.name, "KeyType": key.role} for key in source.keys]
    known = types_after(steps, source.attribute_types)
    return [
        (entry, entry.get("AttributeType") or known.get(entry["AttributeName"]))
        for entry in (same if key_schema is None else key_schema)
    ]


def _only(types: set[str]) -> str | None:
    return next(iter(types)) if len(types) == 1 and types <= KEY_TYPES else None


def _moved(path: str, name: str, steps: Steps) -> Problem | None:
    """Where the steps rename or remove a key attribute: that, and what to give instead."""
    after = follow(steps, name).name
    if after == name:
        return None
    names = (follow(steps[: index + 1], name).name for index in range(len(steps)))
    step = next(index for index, each in enumerate(names) if each != name)
    what = "removes it" if after is None else f"renames it to {after}"
    rule = f"no item has the key attribute {name}: transform[{step}] {what}"
    if after is None:
        remedy = 'keep it, or give "keySchema" beside "likeSource" with keys that the items have'
    else:
        remedy = f'give "keySchema" beside "likeSource" with {after} in place of {name}'
    return Problem(path, name, rule, remedy)


def _unknown(path: str, name: str, types: set[str]) -> Problem:
    if types:
        rule = f"key attribute {name} is {' and '.join(sorted(types))} in the sampled items"
    else:
        rule = f"no sampled item has the key attribute {name}, so its type is not known"
    remedy = 'give "keySchema" beside "likeSource", with "AttributeType": "S" (or "N", "B")'
    return Problem(path, name, rule, remedy)
