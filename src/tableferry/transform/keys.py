"""Whether a destination key tells the key of its source item, as live and hot migrations need.

A key that can pass from one source item to another loses items in live sync: a is deleted, b is
inserted, both have key K, and b's record is applied before a's. The rule is static, and refuses
what it can not see through.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from tableferry.transform.compiled import Transform
from tableferry.transform.findings import quoted
from tableferry.transform.steps import (
    CallFunction,
    Cast,
    Computed,
    Remove,
    Rename,
    SetAttribute,
    Step,
    Value,
)

# function of an expression -> where its array stands
_HASHES = {"uuid5": 1, "sha256": 0}


def destination_key_tells_source_key(
    transform: Transform, source_keys: Sequence[str], destination_keys: Sequence[str]
) -> str | None:
    """None where it does; else the reason, which names the key attribute and what changed it."""
    trace = _Trace(source_keys)
    for step in transform.steps:
        trace.follow(step)
    told = {name for key in destination_keys for name in trace.told_by(key)}
    untold = [name for name in source_keys if name not in told]
    return _reason(untold[0], destination_keys, trace) if untold else None


def _reason(untold: str, destination_keys: Sequence[str], trace: "_Trace") -> str:
    changes = (trace.changes.get(name) for name in (*destination_keys, untold))
    change = next((f" ({change})" for change in changes if change), "")
    keys = " and ".join(map(quoted, destination_keys))
    return (
        f"the destination's key {keys} does not tell the source's key attribute {quoted(untold)}"
        f"{change}; it must hold each of them, unchanged or renamed, or be $uuid5 or $sha256 of an "
        "array of exactly these attributes"
    )


class _Trace:
    """What each attribute tells of the source's key, while the steps go by.

    Attributes that tell something are there in every item: the key's own, renamed or copied.
    """

    def __init__(self, source_keys: Sequence[str]) -> None:
        self._source_keys = sorted(source_keys)
        self._copies = {name: name for name in source_keys}
        self._hashes: set[str] = set()
        self.changes: dict[str, str] = {}

    def told_by(self, attribute: str) -> Iterable[str]:
        if attribute in self._hashes:
            return self._source_keys
        return [self._copies[attribute]] if attribute in self._copies else []

    def follow(self, step: Step) -> None:
        """filter and default change nothing that is there; casts to S keep numbers apart."""
        match step:
            case Rename():
                self._rename(step)
            case SetAttribute(attribute=attribute, value=value):
                self._put(attribute, value)
            case Remove(attributes=attributes):
                self._forget(attributes, "a remove step takes it away")
            case Cast(path=path, attribute=attribute, to="N"):
                self._forget([attribute], f"{path}: several texts are one number")
            case CallFunction(path=path):
                known = [*self._copies, *self._hashes]
                self._forget(known, f"{path}: Python code may have changed it")

    def _rename(self, step: Rename) -> None:
        if step.source in self._copies:
            self._copies[step.target] = self._copies.pop(step.source)
        elif step.source in self._hashes:
            self._hashes.discard(step.source)
            self._hashes.add(step.target)

    def _put(self, attribute: str, value: Value) -> None:
        ast = value.expression.engine.ast if isinstance(value, Computed) else None
        copied = self._copies.get(_name(ast) or "")
        hashed = sorted(self._copies.get(name, "") for name in _hashed_names(ast))
        self._forget([attribute], "a set step gives it another value")
        if copied:
            self._copies[attribute] = copied
        elif hashed and hashed == self._source_keys:
            self._hashes.add(attribute)

    def _forget(self, attributes: Iterable[str], change: str) -> None:
        for attribute in attributes:
            self._copies.pop(attribute, None)
            self._hashes.discard(attribute)
            self.changes[attribute] = change


def _hashed_names(ast: Any) -> list[str]:
    """The attributes in `$uuid5('text', [a, b])` or `$sha256([a, b])`; empty for anything else."""
    if ast is None or ast.type != "function" or ast.procedure.type != "variable" or _decorated(ast):
        return []
    position = _HASHES.get(str(ast.procedure.value))
    if position is None or len(ast.arguments) != position + 1:
        return []
    if any(argument.type != "string" for argument in ast.arguments[:position]):
        return []
    array = ast.arguments[position]
    if array.type != "unary" or array.value != "[" or _decorated(array):
        return []
    return [_name(member) or "" for member in array.expressions]


def _name(ast: Any) -> str | None:
    """The attribute that an expression consists of, without any predicate or step."""
    if ast is None or ast.type != "path" or len(ast.steps) != 1 or _decorated(ast):
        return None
    step = ast.steps[0]
    return str(step.value) if step.type == "name" and not _decorated(step) else None


def _decorated(symbol: Any) -> bool:
    extras = (symbol.predicate, symbol.stages, symbol.group, symbol.focus, symbol.index)
    return symbol.keep_array or symbol.keep_singleton_array or any(map(bool, extras))
