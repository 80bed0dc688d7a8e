"""JSON Lines: an export's `{"Item": …}`, DynamoDB JSON, or plain JSON, as the first line is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tableferry.local.loading.entries import Entry
from tableferry.local.loading.reading import json_of, lines_of, typed_of
from tableferry.transform.findings import is_utf8

_TYPES = frozenset({"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"})
_ONE_A_LINE = "put one item on each line; `jq -c '.[]'`, or '.Items[]' for a scan's answer, does"
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Form:
    """How a line holds its item."""

    words: str
    typed: Callable[[dict[str, Any]], dict[str, Any] | None]


EXPORTED = Form(
    'DynamoDB JSON in {"Item": …}, as exports have it',
    lambda line: line["Item"] if is_exported(line) else None,
)
TYPED = Form("DynamoDB JSON", lambda line: line if is_typed(line) else None)
PLAIN = Form("plain JSON", lambda line: {name: typed_of(each) for name, each in line.items()})


def is_typed(value: Any) -> bool:
    """Whether every member is an object with a DynamoDB type as its one name."""
    return isinstance(value, dict) and all(
        isinstance(each, dict) and len(each) == 1 and next(iter(each)) in _TYPES
        for each in value.values()
    )


def is_exported(line: dict[str, Any]) -> bool:
    return line.keys() == {"Item"} and isinstance(line["Item"], dict) and is_typed(line["Item"])


def form_of(line: dict[str, Any]) -> Form:
    """The form that the line has; what could be two is DynamoDB JSON."""
    if is_exported(line):
        return EXPORTED
    return TYPED if line and is_typed(line) else PLAIN


@dataclass(frozen=True, slots=True)
class JsonLines:
    """A file of one JSON object a line; empty lines count for nothing."""

    path: Path
    form: Form

    @classmethod
    def of(cls, path: Path) -> "JsonLines":
        """The file with the form of its first line that is an object."""
        for _number, text in lines_of(path):
            try:
                line = json_of(text)
            except (ValueError, RecursionError):
                continue
            if isinstance(line, dict):
                return cls(path, form_of(line))
        return cls(path, PLAIN)

    @property
    def said(self) -> list[str]:
        return [f"{self.path.name}: JSON Lines, {self.form.words}"]

    def entries(self) -> Iterator[Entry]:
        for number, text in lines_of(self.path):
            if text.strip():
                yield entry_of(f"{self.path.name}:{number}", text, self.form)


def entry_of(place: str, text: str, form: Form) -> Entry:
    """The item of one line."""
    begin = text.strip()[:_SHOWN]
    if not is_utf8(text):
        return Entry.refused(place, begin, "is not UTF-8", "save the file as UTF-8")
    try:
        line = json_of(text)
    except RecursionError:
        return Entry.refused(place, begin, "is nested too deep", "make it flatter")
    except ValueError as error:
        rule = f"is not one JSON object: {error}"
        return Entry.refused(place, begin, rule, f"mend the line, or {_ONE_A_LINE}")
    if not isinstance(line, dict):
        return Entry.refused(place, begin, "is JSON, but not an object", _ONE_A_LINE)
    attributes = form.typed(line)
    if attributes is None:
        rule = f"is not {form.words}, as the first line is"
        return Entry.refused(place, begin, rule, "write all lines in the same form")
    return Entry.of_typed(place, attributes)
