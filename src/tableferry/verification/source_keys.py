"""What a destination item tells of the source item that it came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tableferry.items import WireItem, key_of

_Steps = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class SourceKeyTeller:
    """Where a destination item holds the source's key attributes: source name → its name there.

    `names` is None where the transform changes one of them in any way but renaming.
    """

    names: Mapping[str, str] | None

    @classmethod
    def of(cls, steps: _Steps, source_key: Sequence[str]) -> "SourceKeyTeller":
        names: dict[str, str] = {}
        for original in source_key:
            found = _carried(steps, original)
            if found is None:
                return cls(None)
            names[original] = found
        return cls(names)

    def source_key(self, item: WireItem) -> dict[str, Any] | None:
        """The key of the source item, as far as this item tells it."""
        if self.names is None or any(name not in item for name in self.names.values()):
            return None
        found = key_of(item, tuple(self.names.values()))
        return {original: found[name] for original, name in self.names.items()}


def _carried(steps: _Steps, original: str) -> str | None:
    """The attribute's name after the steps, if nothing but renaming touched it."""
    name = original
    for step in steps:
        ((verb, argument),) = step.items()
        if verb == "rename" and argument["from"] == name:
            name = argument["to"]
        elif verb != "filter" and (verb == "python" or name in _touched(verb, argument)):
            return None
    return name


def _touched(verb: str, argument: Any) -> Sequence[str]:
    if verb == "rename":
        return (argument["to"],)
    if verb == "remove":
        return list(argument)
    return (argument["attribute"],)
