"""From the JSON of `transform` to steps that can run; every mistake is found at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tableferry.items import raw
from tableferry.transform.findings import Findings, did_you_mean
from tableferry.transform.modules import ModuleProblemError, UserFunction, is_reference, load
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
from tableferry.transform.typed_values import has_utf8, plain_value, typed_value

# An attribute name takes at most 64 KB [DDB:Constraints].
_MAX_NAME_BYTES = 65_535


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads steps into a list; the findings tell whether the list can be used."""

    imports_modules: bool = True
    findings: Findings = field(default_factory=Findings)

    def steps(self, document: Any, path: str) -> list[Step]:
        if not isinstance(document, list | tuple):
            remedy = 'write [{"rename": {"from": "a", "to": "b"}}], or [] for no transform'
            self.findings.add(path, document, "must be a list of steps", remedy)
            return []
        read = (self._step(step, f"{path}[{index}]") for index, step in enumerate(document))
        return [step for step in read if step is not None]

    def _step(self, step: Any, path: str) -> Step | None:
        if not isinstance(step, Mapping) or len(step) != 1:
            rule = "must be an object with one key, the name of the step"
            remedy = 'write {"remove": ["legacy"]}; several steps are several objects of the list'
            self.findings.add(path, step, rule, remedy)
            return None
        ((name, content),) = step.items()
        reader = _READERS.get(name) if isinstance(name, str) else None
        if reader is None:
            self.findings.add(f"{path}.{name}", name, "is not a step", did_you_mean(name, _READERS))
            return None
        return reader(self, content, f"{path}.{name}")

    def rename(self, content: Any, path: str) -> Step | None:
        fields = self._fields(content, path, ("from", "to"))
        source = self._name(fields, "from", path)
        target = self._name(fields, "to", path)
        if source is None or target is None:
            return None
        if source == target:
            self.findings.add(f"{path}.to", target, "is the same name as from", "give another name, or leave the step out")
            return None
        return Rename(path, source, target)

    def set(self, content: Any, path: str) -> Step | None:
        found = self._attribute_and_value(content, path)
        return found and SetAttribute(*found)

    def default(self, content: Any, path: str) -> Step | None:
        found = self._attribute_and_value(content, path)
        return found and SetDefault(*found)

    def _attribute_and_value(self, content: Any, path: str) -> tuple[str, Value] | None:
        fields = self._fields(content, path, ("attribute", "value"))
        attribute = self._name(fields, "attribute", path)
        value = self._value(fields["value"], f"{path}.value") if "value" in fields else None
        return None if attribute is None or value is None else (attribute, value)

    def _value(self, value: Any, path: str) -> Value | None:
        if isinstance(value, str) and value.startswith("{%") and value.endswith("%}"):
            expression = self._expression(value, path)
            return None if expression is None else Computed(path, expression)
        before = len(self.findings.problems)
        if isinstance(value, Mapping) and set(value) == {"typed"}:
            found = typed_value(value["typed"], f"{path}.typed", self.findings)
        else:
            found = plain_value(value, path, self.findings)
        return Constant(raw(found)) if len(self.findings.problems) == before else None

    def remove(self, content: Any, path: str) -> Step | None:
        if not isinstance(content, list | tuple) or not content:
            rule = "must be a list of attribute names, with at least one"
            self.findings.add(path, content, rule, 'write ["legacy"], also for a single one')
            return None
        names = [self._checked_name(name, f"{path}[{index}]") for index, name in enumerate(content)]
        found = [name for name in names if name is not None]
        return Remove(tuple(found)) if len(found) == len(names) else None

    def cast(self, content: Any, path: str) -> Step | None:
        fields = self._fields(content, path, ("attribute", "to"))
        attribute = self._name(fields, "attribute", path)
        to = fields.get("to")
        if "to" in fields and to not in ("S", "N"):
            remedy = "a cast turns S into N or N into S; write python or an expression for others"
            self.findings.add(f"{path}.to", to, 'must be "S" or "N"', remedy)
            return None
        return None if attribute is None or to is None else Cast(path, attribute, to)

    def filter(self, content: Any, path: str) -> Step | None:
        expression = self._expression(content, path)
        return None if expression is None else Filter(path, expression)

    def python(self, content: Any, path: str) -> Step | None:
        if not isinstance(content, str) or not is_reference(content):
            rule = "must be module:function"
            self.findings.add(path, content, rule, 'write "module:function" for transforms/module.py')
            return None
        function = self._function(content, path) if self.imports_modules else None
        return None if function is None else CallFunction(path, function)

    def _function(self, reference: str, path: str) -> UserFunction | None:
        try:
            return load(reference)
        except ModuleProblemError as problem:
            self.findings.add(path, reference, problem.rule, problem.remedy)
            return None

    def _expression(self, text: Any, path: str) -> Any:
        if not (isinstance(text, str) and re.fullmatch(r"\{%.*%\}", text, re.DOTALL)):
            rule = "must be JSONata that starts exactly with {% and ends exactly with %}"
            self.findings.add(path, text, rule, 'write "{% lastUpdated >= \'2017-01-01\' %}"')
            return None
        # jsonata-python takes 80 ms to import; a worker without expressions does not wait for it.
        from tableferry.transform.expressions import read_expression  # noqa: PLC0415

        return read_expression(text, path, self.findings)

    def _fields(self, content: Any, path: str, known: tuple[str, ...]) -> Mapping[str, Any]:
        if not isinstance(content, Mapping):
            shape = ", ".join(f'"{name}": …' for name in known)
            self.findings.add(path, content, "must be an object", f"write {{{shape}}}")
            return {}
        for name in content:
            if name not in known:
                self.findings.add(f"{path}.{name}", content[name], "is not a known field", did_you_mean(name, known))
        for name in known:
            if name not in content:
                self.findings.add(f"{path}.{name}", None, "is required", "add it")
        return content

    def _name(self, fields: Mapping[str, Any], field_name: str, path: str) -> str | None:
        if field_name not in fields:
            return None
        return self._checked_name(fields[field_name], f"{path}.{field_name}")

    def _checked_name(self, name: Any, path: str) -> str | None:
        if not isinstance(name, str):
            self.findings.add(path, name, "must be an attribute name", "put it in quotes")
        elif not name:
            self.findings.add(path, name, "must not be empty", "name an attribute of the item")
        elif not has_utf8(name) or len(name.encode()) > _MAX_NAME_BYTES:
            self.findings.add(path, name, f"must be text of up to {_MAX_NAME_BYTES:,} bytes in UTF-8", "shorten the name")
        else:
            return name
        return None


_READERS: Mapping[str, Callable[[Reading, Any, str], Step | None]] = {
    "rename": Reading.rename,
    "set": Reading.set,
    "default": Reading.default,
    "remove": Reading.remove,
    "cast": Reading.cast,
    "filter": Reading.filter,
    "python": Reading.python,
}
