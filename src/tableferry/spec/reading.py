"""JSON text into a document, refusing what JSON readers take differently or lose."""

import json
from decimal import Decimal
from typing import Any

from tableferry.errors import InvalidSpecError, Problem

_SHOWN = 80


class _Object(dict[str, Any]):
    """A JSON object that still knows which of its names came twice."""

    repeated: tuple[str, ...] = ()


def parse_text(text: str) -> dict[str, Any]:
    """The JSON object in `text`; raises InvalidSpecError with every problem found.

    Refused: text that is not JSON (line and column in the rule), a name given twice in one object,
    NaN and Infinity, numbers that a double can not hold, anything that is not an object.
    """
    document, problems = _load(text)
    problems += _repeated_names(document, "$")
    if not problems and not isinstance(document, dict):
        problems.append(
            Problem("$", document, "must be a JSON object", "put the fields between { and }")
        )
    if problems:
        raise InvalidSpecError(problems)
    plain: dict[str, Any] = _plain(document)
    return plain


def _load(text: str) -> tuple[Any, list[Problem]]:
    problems: list[Problem] = []

    def constant(name: str) -> None:
        problems.append(Problem("$", name, "is not JSON", "JSON has no such number; leave it out"))

    def number(literal: str) -> float:
        value = float(literal)
        if Decimal(literal) != Decimal(repr(value)):
            problems.append(
                Problem(
                    "$",
                    literal,
                    "a double, as JSON readers use it, would change this number",
                    'give an exact number as {"typed": {"N": "…"}}',
                )
            )
        return value

    try:
        document = json.loads(
            text, object_pairs_hook=_pairs, parse_constant=constant, parse_float=number
        )
    except json.JSONDecodeError as error:
        return None, [_syntax_problem(text, error)]
    except (RecursionError, ValueError) as error:
        # ValueError: an integer of more than 4,300 digits, which Python does not read.
        return None, [
            Problem("$", type(error).__name__, "is nested too deep or too long", "shorten it")
        ]
    return document, problems


def _pairs(pairs: list[tuple[str, Any]]) -> _Object:
    found = _Object(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        found.repeated = tuple(name for name in found if names.count(name) > 1)
    return found


def _syntax_problem(text: str, error: json.JSONDecodeError) -> Problem:
    lines = text.splitlines()
    line = lines[error.lineno - 1].strip() if error.lineno <= len(lines) else ""
    return Problem(
        "$",
        line[:_SHOWN],
        f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}",
        "mend the text there; JSON has no comments and no comma after the last entry",
    )


def _repeated_names(value: Any, path: str) -> list[Problem]:
    problems: list[Problem] = []
    if isinstance(value, _Object):
        for name in value.repeated:
            problems.append(
                Problem(
                    _join(path, name),
                    value[name],
                    "is given more than once in the same object",
                    "keep one of them; JSON readers would silently take the last",
                )
            )
        for name, inner in value.items():
            problems += _repeated_names(inner, _join(path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            problems += _repeated_names(inner, f"{path}[{index}]")
    return problems


def _join(path: str, name: str) -> str:
    return name if path == "$" else f"{path}.{name}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
