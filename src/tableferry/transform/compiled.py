"""A transform, compiled once and applied to every item."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tableferry.errors import InvalidSpecError, ItemError, Problem
from tableferry.items import WireItem
from tableferry.transform.findings import Place
from tableferry.transform.reading import StepReader
from tableferry.transform.steps import CallFunction, Step


@dataclass(frozen=True, slots=True)
class Transform:
    """Steps in order; one item always gives the same answer, on any machine and in any thread."""

    steps: tuple[Step, ...]
    fingerprint: str
    """SHA-256 over the steps and the bytes of the user's modules."""

    @classmethod
    def compile(cls, steps: Sequence[Mapping[str, Any]]) -> "Transform":
        """Raises InvalidSpecError with every problem at once."""
        place = Place("transform")
        compiled = tuple(StepReader().steps(steps, place))
        if place.problems:
            raise InvalidSpecError(place.problems)
        return cls(compiled, _fingerprint(steps, compiled))

    @property
    def is_identity(self) -> bool:
        return not self.steps

    @property
    def has_filter(self) -> bool:
        """Whether an item may be left out: by a filter, or by a python step that answers None."""
        return any(step.may_filter for step in self.steps)

    @property
    def reads(self) -> frozenset[str] | None:
        """The attributes that are needed to tell whether an item is filtered; None: all."""
        return None if self.has_filter else frozenset()

    def apply(self, item: WireItem) -> WireItem | None:
        """The transformed item, or None where it is filtered; the given item is left as it is.

        Raises ItemError, which names the step, for an item that a step does not fit.
        """
        if not self.steps:
            return item
        changed = dict(item)
        for step in self.steps:
            if not step.run(changed):
                return None
        return changed


def check_steps(
    steps: object, path: str = "transform", *, import_modules: bool = True
) -> list[Problem]:
    """Every problem of the steps, whatever was given; never raises.

    Without `import_modules` a user's module is checked by its name only: a machine may lack it.
    """
    place = Place(path)
    StepReader(imports_modules=import_modules).steps(steps, place)
    return place.problems


def check_condition(condition: object, path: str) -> list[Problem]:
    """Every problem of a JSONata condition such as `cleanWhere`, which runs as a filter step."""
    place = Place(path)
    StepReader().filter(condition, place)
    return place.problems


def condition_reason(error: ItemError) -> str:
    """What a condition says against an item, without the place of the one step that it is."""
    return error.cause.removeprefix("transform[0].filter: ")


def _fingerprint(steps: Sequence[Mapping[str, Any]], compiled: tuple[Step, ...]) -> str:
    sources = [step.function.sources for step in compiled if isinstance(step, CallFunction)]
    text = json.dumps(
        [_plain(steps), sources], sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """The steps with equal numbers spelt equally, whatever parsed them: 2, 2.0, Decimal("2")."""
    if isinstance(value, Mapping):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if value is None or isinstance(value, str | bool):
        return value
    return int(value) if value == int(value) else float(value)
