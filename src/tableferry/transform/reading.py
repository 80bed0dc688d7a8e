"""From the JSON of `transform` to steps that can run; every mistake is found at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tableferry.items import raw
from tableferry.transform.findings import Place, did_you_mean, is_utf8
from tableferry.transform.modules import ModuleProblemError, is_reference, load
from tableferry.transform.steps import (
    CallFunction,
    Cast,
    Computed,
    Constant,
    Filter,
    Remove,
    Rename,
    SetAttribute,
    SetDefault,
    Step,
    Value,
)
from tableferry.transform.typed_values import plain_value, typed_value

if TYPE_CHECKING:
    from tableferry.transform.expressions import Expression

# An attribute name takes at most 64 KB [DDB:Constraints].
_MAX_NAME_BYTES = 65_535


@dataclass(frozen=True, slots=True)
class StepReader:
    """Reads steps; what is wrong is refused at its place, and without refusals the list can run."""

    imports_modules: bool = True

    def steps(self, document: Any, place: Place) -> list[Step]:
        if not isinstance(document, list | tuple):
            remedy = 'write [{"rename": {"from": "a", "to": "b"}}], or [] for no transform'
            place.refuse(document, "must be a list of steps", remedy)
            return []
        read = (self._step(step, place.index(index)) for index, step in enumerate(document))
        return [step for step in read if step is not None]

    def _step(self, step: Any, place: Place) -> Step | None:
        if not isinstance(step, Mapping) or len(step) != 1:
            remedy = 'write {"remove": ["legacy"]}; several steps are several objects of the list'
            place.refuse(step, "must be an object with one key, the name of the step", remedy)
            return None
        ((name, content),) = step.items()
        inside = place.field(name)
        reader = _READERS.get(name) if isinstance(name, str) else None
        if reader is None:
            inside.refuse(name, "is not a step", did_you_mean(name, _READERS))
            return None
        return reader(self, content, inside)

    def rename(self, content: Any, place: Place) -> Step | None:
        fields = _fields(content, place, ("from", "to"))
        source = _name(fields, "from", place)
        target = _name(fields, "to", place)
        if source is None or target is None:
            return None
        if source == target:
            remedy = "give another name, or leave the step out"
            place.field("to").refuse(target, "is the same name as from", remedy)
            return None
        return Rename(place.path, source, target)

    def set(self, content: Any, place: Place) -> Step | None:
        found = self._attribute_and_value(content, place)
        return found and SetAttribute(*found)

    def default(self, content: Any, place: Place) -> Step | None:
        found = self._attribute_and_value(content, place)
        return found and SetDefault(*found)

    def remove(self, content: Any, place: Place) -> Step | None:
        if not isinstance(content, list | tuple) or not content:
            rule = "must be a list of attribute names, with at least one"
            place.refuse(content, rule, 'write ["legacy"], also for a single one')
            return None
        names = [_checked_name(name, place.index(index)) for index, name in enumerate(content)]
        found = tuple(name for name in names if name is not None)
        return Remove(found) if len(found) == len(names) else None

    def cast(self, content: Any, place: Place) -> Step | None:
        fields = _fields(content, place, ("attribute", "to"))
        attribute = _name(fields, "attribute", place)
        to = fields.get("to")
        if "to" in fields and to not in ("S", "N"):
            remedy = "a cast turns S into N or N into S; set an expression for anything else"
            place.field("to").refuse(to, 'must be "S" or "N"', remedy)
            return None
        return None if attribute is None or to is None else Cast(place.path, attribute, to)

    def filter(self, content: Any, place: Place) -> Step | None:
        expression = _expression(content, place)
        return None if expression is None else Filter(place.path, expression)

    def python(self, content: Any, place: Place) -> Step | None:
        if not isinstance(content, str) or not is_reference(content):
            remedy = 'write "module:function" for a function of transforms/module.py'
            place.refuse(content, "must be module:function", remedy)
            return None
        if not self.imports_modules:
            return None
        try:
            return CallFunction(place.path, load(content))
        except ModuleProblemError as problem:
            place.refuse(content, problem.rule, problem.remedy)
            return None

    def _attribute_and_value(self, content: Any, place: Place) -> tuple[str, Value] | None:
        fields = _fields(content, place, ("attribute", "value"))
        attribute = _name(fields, "attribute", place)
        value = _value(fields["value"], place.field("value")) if "value" in fields else None
        return None if attribute is None or value is None else (attribute, value)


_READERS: Mapping[str, Callable[[StepReader, Any, Place], Step | None]] = {
    "rename": StepReader.rename,
    "set": StepReader.set,
    "default": StepReader.default,
    "remove": StepReader.remove,
    "cast": StepReader.cast,
    "filter": StepReader.filter,
    "python": StepReader.python,
}


def _value(value: Any, place: Place) -> Value | None:
    if isinstance(value, str) and _is_delimited(value):
        expression = _expression(value, place)
        return None if expression is None else Computed(place.path, expression)
    before = len(place.problems)
    if isinstance(value, Mapping) and set(value) == {"typed"}:
        found = typed_value(value["typed"], place.field("typed"))
    else:
        found = plain_value(value, place)
    return Constant(raw(found)) if len(place.problems) == before else None


def _expression(text: Any, place: Place) -> "Expression | None":
    if not isinstance(text, str) or not _is_delimited(text):
        rule = "must be JSONata that starts exactly with {% and ends exactly with %}"
        place.refuse(text, rule, "write it like \"{% lastUpdated >= '2017-01-01' %}\"")
        return None
    # jsonata-python takes 80 ms to import; a worker without expressions does not wait for it.
    from tableferry.transform.expressions import read_expression

    return read_expression(text, place)


def _is_delimited(text: str) -> bool:
    return text.startswith("{%") and text.endswith("%}") and len(text) >= len("{%%}")


def _fields(content: Any, place: Place, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(content, Mapping):
        shape = ", ".join(f'"{name}": …' for name in known)
        place.refuse(content, "must be an object", f"write {{{shape}}}")
        return {}
    for name in content:
        if name not in known:
            remedy = did_you_mean(name, known)
            place.field(name).refuse(content[name], "is not a known field", remedy)
    for name in known:
        if name not in content:
            place.field(name).refuse(None, "is required", "add it")
    return content


def _name(fields: Mapping[str, Any], field: str, place: Place) -> str | None:
    return _checked_name(fields[field], place.field(field)) if field in fields else None


def _checked_name(name: Any, place: Place) -> str | None:
    if not isinstance(name, str):
        place.refuse(name, "must be an attribute name", "put it in quotes")
    elif not name:
        place.refuse(name, "must not be empty", "name an attribute of the item")
    elif not is_utf8(name) or len(name.encode()) > _MAX_NAME_BYTES:
        rule = f"must be text of up to {_MAX_NAME_BYTES:,} bytes in UTF-8"
        place.refuse(name, rule, "give the name as the item has it")
    else:
        return name
    return None
