"""CSV with a header: text, or numbers where every value of a column is one."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tableferry.errors import InvalidSpecError, Problem
from tableferry.local.loading.entries import Entry
from tableferry.local.loading.reading import lines_of
from tableferry.transform.decimals import number_text
from tableferry.transform.findings import is_utf8

_SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons"}
# A cell may be as large as an item.
_CELL_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file of rows; an empty cell is an attribute that the item has not."""

    path: Path
    separator: str
    names: tuple[str, ...]
    numbers: frozenset[str]

    @classmethod
    def of(cls, path: Path, key_types: Mapping[str, str]) -> "CsvFile":
        """The file with the types of its columns; a key's given type goes before what it holds.

        Raises InvalidSpecError for a header that can not name attributes.
        """
        header = next((text for _number, text in lines_of(path)), "")
        separator = max(_SEPARATORS, key=header.count)
        rows = _rows(path, separator)
        names = tuple(next(rows, (0, []))[1])
        _require_header(path, names)
        texts = {name for name, kind in key_types.items() if kind != "N"}
        possible = set(names) - texts
        seen: set[str] = set()
        for _line, row in rows:
            for name, cell in zip(names, row, strict=False):
                if cell:
                    seen.add(name)
                    if name in possible and not is_number(cell):
                        possible.discard(name)
        forced = {name for name, kind in key_types.items() if kind == "N"}
        return cls(path, separator, names, frozenset((possible & seen) | forced))

    @property
    def said(self) -> list[str]:
        numbers = ", ".join(name for name in self.names if name in self.numbers) or "none"
        return [
            f"{self.path.name}: CSV, separated by {_SEPARATORS[self.separator]}, "
            f"{len(self.names)} columns; empty cells are left out",
            f"numbers: {numbers}; the other columns are text",
        ]

    def entries(self) -> Iterator[Entry]:
        rows = _rows(self.path, self.separator)
        next(rows, None)
        for line, row in rows:
            yield self._entry(f"{self.path.name}:{line}", row)

    def _entry(self, place: str, row: list[str]) -> Entry:
        if len(row) != len(self.names):
            rule = f"has {len(row)} cells; the header has {len(self.names)}"
            return Entry.refused(place, self.separator.join(row), rule, "mend the row, or quote it")
        if not all(map(is_utf8, row)):
            return Entry.refused(place, None, "is not UTF-8", "save the file as UTF-8")
        cells = zip(self.names, row, strict=True)
        typed: dict[str, Any] = {
            name: {"N" if name in self.numbers else "S": cell} for name, cell in cells if cell
        }
        return Entry.of_typed(place, typed)


def is_number(cell: str) -> bool:
    """Whether the cell is a number that reads back as it was: 007 and +1 are text."""
    digits = cell.removeprefix("-")
    if not digits[:1].isdigit() or (digits[0] == "0" and digits[1:2].isdigit()):
        return False
    try:
        number_text(cell)
    except ValueError:
        return False
    return True


def _rows(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty with the line they end in."""
    csv.field_size_limit(_CELL_BYTES)
    reader = csv.reader(
        (text for _number, text in lines_of(path)), delimiter=separator, strict=True
    )
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        place = f"{path.name}:{reader.line_num}"
        remedy = 'mend the row; a quote within quotes is written ""'
        raise InvalidSpecError([Problem(place, None, f"is not CSV: {error}", remedy)]) from error


def _require_header(path: Path, names: tuple[str, ...]) -> None:
    rule = ""
    if not any(names):
        rule = "has no header"
    elif not all(names):
        rule = f"column {names.index('') + 1} has no name"
    elif len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        rule = f"has the column {twice} twice"
    if rule:
        remedy = "name every column in the first line, each name once"
        raise InvalidSpecError([Problem(f"{path.name}:1", list(names), rule, remedy)])
