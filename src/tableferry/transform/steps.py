"""The steps of a transform, each a small rule over an item in wire form.

`run` changes the item it is given, which is the transform's own copy, and says whether it stays.
It raises ItemError, whose cause begins with the step's place, for an item that does not fit.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from msgspec import Raw

from tableferry.errors import ItemError
from tableferry.items import WireItem, raw, typed
from tableferry.transform.decimals import number_text
from tableferry.transform.faults import FaultError
from tableferry.transform.findings import quoted, readable
from tableferry.transform.modules import UserFunction

if TYPE_CHECKING:  # jsonata-python costs 80 ms to import, and most transforms have no expression
    from tableferry.transform.expressions import Expression


class Step(Protocol):
    may_filter: ClassVar[bool]

    def run(self, item: WireItem) -> bool: ...


class Value(Protocol):
    """What `set` and `default` put: a constant, or what an expression makes of the item."""

    def of(self, item: WireItem) -> Raw: ...


@dataclass(frozen=True, slots=True)
class Constant:
    wire: Raw

    def of(self, item: WireItem) -> Raw:  # noqa: ARG002 - the same for every item
        return self.wire


@dataclass(frozen=True, slots=True)
class Computed:
    path: str
    expression: "Expression"

    def of(self, item: WireItem) -> Raw:
        try:
            return raw(self.expression.value(item))
        except FaultError as fault:
            raise _does_not_fit(self.path, fault.reason, hint=fault.hint) from fault


@dataclass(frozen=True, slots=True)
class Rename:
    """The bytes of the value stay as they are; an item without the attribute is left alone."""

    may_filter: ClassVar[bool] = False
    path: str
    source: str
    target: str

    def run(self, item: WireItem) -> bool:
        value = item.pop(self.source, None)
        if value is None:
            return True
        if self.target in item:
            both = f"{quoted(self.source)} and {quoted(self.target)}"
            reason = f"the item has {both}; renaming would lose one of them"
            hint = "remove or rename one of the two in a step before"
            raise _does_not_fit(self.path, reason, hint=hint)
        item[self.target] = value
        return True


@dataclass(frozen=True, slots=True)
class SetAttribute:
    may_filter: ClassVar[bool] = False
    attribute: str
    value: Value

    def run(self, item: WireItem) -> bool:
        item[self.attribute] = self.value.of(item)
        return True


@dataclass(frozen=True, slots=True)
class SetDefault:
    """Sets where the attribute is absent; an attribute that is NULL or empty is there."""

    may_filter: ClassVar[bool] = False
    attribute: str
    value: Value

    def run(self, item: WireItem) -> bool:
        if self.attribute not in item:
            item[self.attribute] = self.value.of(item)
        return True


@dataclass(frozen=True, slots=True)
class Remove:
    may_filter: ClassVar[bool] = False
    attributes: tuple[str, ...]

    def run(self, item: WireItem) -> bool:
        for attribute in self.attributes:
            item.pop(attribute, None)
        return True


@dataclass(frozen=True, slots=True)
class Cast:
    """S to N or N to S, exactly; an item without the attribute is left alone."""

    may_filter: ClassVar[bool] = False
    path: str
    attribute: str
    to: str

    def run(self, item: WireItem) -> bool:
        wire = item.get(self.attribute)
        if wire is None:
            return True
        ((kind, content),) = typed(wire).items()
        if kind != ("S" if self.to == "N" else "N"):
            raise _does_not_fit(
                self.path,
                f"{quoted(self.attribute)} is of type {kind}, which has no cast to {self.to}",
            )
        item[self.attribute] = raw({self.to: content if self.to == "S" else self._number(content)})
        return True

    def _number(self, text: str) -> str:
        try:
            return number_text(text)
        except ValueError as error:
            reason = f"{quoted(self.attribute)} is {quoted(text)}, which {error}"
            raise _does_not_fit(self.path, reason) from None


@dataclass(frozen=True, slots=True)
class Filter:
    """Lets an item pass for which the expression is exactly true."""

    may_filter: ClassVar[bool] = True
    path: str
    expression: "Expression"

    def run(self, item: WireItem) -> bool:
        try:
            return self.expression.is_true(item)
        except FaultError as fault:
            raise _does_not_fit(self.path, fault.reason, hint=fault.hint) from fault


@dataclass(frozen=True, slots=True)
class CallFunction:
    """A user's own function; attributes whose value it leaves alone keep their bytes."""

    may_filter: ClassVar[bool] = True
    path: str
    function: UserFunction

    def run(self, item: WireItem) -> bool:
        try:
            answer = self.function(item)
        except FaultError as fault:
            raise _does_not_fit(self.path, fault.reason, hint=fault.hint) from fault
        if answer is None:
            return False
        item.clear()
        item.update(answer)
        return True


def _does_not_fit(path: str, reason: str, *, hint: str = "") -> ItemError:
    return ItemError(f"{path}: {readable(reason)}", hint=hint)
