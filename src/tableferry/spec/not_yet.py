"""What the contract has and this release has not: refused by name, with what to use instead."""

from dataclasses import dataclass
from typing import Any, Literal

from tableferry.errors import Problem

# Stands for every value but null.
ANY = object()


@dataclass(frozen=True, slots=True)
class NotYet:
    """A value of a field that this release refuses."""

    path: str
    value: Any
    remedy: str

    def matches(self, value: Any) -> bool:
        if self.value is ANY:
            return value is not None
        return type(value) is type(self.value) and value == self.value


# A later release removes the line of what it brings, and nothing else.
NOT_YET: tuple[NotYet, ...] = (
    NotYet("strategy", "hot", 'stop the writers and use "copy"'),
    NotYet("strayWrites", "forward", 'use "report"'),
)

_CONTENT_IS_THERE = not any(line.path == "verify" and line.matches("content") for line in NOT_YET)
DEFAULT_VERIFY: Literal["count", "content"] = "content" if _CONTENT_IS_THERE else "count"


def not_yet_problems(document: dict[str, Any]) -> list[Problem]:
    """The values in a spec document that this release refuses."""
    return [
        Problem(line.path, _at(document, line.path), "is not there yet", line.remedy)
        for line in NOT_YET
        if line.matches(_at(document, line.path))
    ]


def _at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document
