"""Where a source attribute stands after a transform, as far as the steps alone tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Followed:
    """An attribute after the steps: no `name` where it was removed, no `type` if not known."""

    name: str | None
    type: str | None


def follow(steps: Sequence[Mapping[str, Any]], name: str, kind: str | None = None) -> Followed:
    """Follows an attribute of type `kind` through the steps of a transform.

    When a later step gives the old name again, the attribute of that name counts: readers of that
    name will find it. A python step may do anything; what stood before it is taken to stand.
    """
    found = Followed(name, kind)
    for step in steps:
        found = _after(step, found, name)
    return found


def _after(step: Mapping[str, Any], found: Followed, original: str) -> Followed:
    ((verb, argument),) = step.items()
    if verb == "rename":
        return _renamed(argument["from"], argument["to"], found, original)
    if verb == "remove":
        return Followed(None, None) if found.name in argument else found
    if verb == "cast" and argument["attribute"] == found.name:
        return Followed(found.name, argument["to"])
    if verb in {"set", "default"}:
        return _given(verb, argument, found, original)
    return found


def _renamed(old: str, new: str, found: Followed, original: str) -> Followed:
    if old == found.name:
        return Followed(new, found.type)
    # Another attribute takes the name.
    return Followed(new, None) if new in {found.name, original} else found


def _given(verb: str, argument: Mapping[str, Any], found: Followed, original: str) -> Followed:
    name = argument["attribute"]
    if name == found.name:
        return found if verb == "default" else Followed(name, key_type_of(argument["value"]))
    return Followed(name, key_type_of(argument["value"])) if name == original else found


def key_type_of(value: object) -> str | None:
    """The type (S, N or B) that a step's value has in every item; None where it depends."""
    if isinstance(value, Mapping):
        typed = value.get("typed")
        kinds = list(typed) if isinstance(typed, Mapping) else []
        return str(kinds[0]) if len(kinds) == 1 and kinds[0] in {"S", "N", "B"} else None
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return "N"
    is_text = isinstance(value, str) and not value.strip().startswith("{%")
    return "S" if is_text else None


def types_after(
    steps: Sequence[Mapping[str, Any]], types: Mapping[str, str]
) -> Mapping[str, str | None]:
    """The types of attributes that the steps leave or make; None where that depends on the item."""
    found: dict[str, str | None] = dict(types)
    for step in steps:
        ((verb, argument),) = step.items()
        if verb == "rename":
            found[argument["to"]] = found.pop(argument["from"], None)
        elif verb == "remove":
            for name in argument:
                found.pop(name, None)
        elif verb == "cast":
            found[argument["attribute"]] = argument["to"]
        elif verb == "set" or (verb == "default" and argument["attribute"] not in found):
            found[argument["attribute"]] = key_type_of(argument["value"])
        elif verb == "python":
            found = dict.fromkeys(found)
    return found
