"""Errors that come back from an execution as text, as the errors that they were.

A function's error reaches Step Functions as its class name and `str(error)`; this is the inverse of
`TableferryError.__str__` and `Problem.__str__`.
"""

import ast
import re
from typing import Any

from tableferry.errors import (
    InvalidSpecError,
    MigrationError,
    Problem,
    TableferryError,
    error_named,
)

_FOUND = " (found "


def error_from(name: str, cause: str, hint: str) -> TableferryError:
    """The error of that class, with the problems that its text lists."""
    first, *lines = cause.split("\n- ")
    problems = [problem_from(line) for line in lines]
    if name == InvalidSpecError.__name__ and problems:
        return InvalidSpecError(problems, hint=hint)
    error = error_named(name, first if problems else cause, hint)
    error.problems = tuple(problems)
    return error


def problem_from(line: str) -> Problem:
    """The problem in `path: rule (found value); remedy`; all is the rule where that is not so."""
    path, _, rest = line.partition(": ")
    for opening in re.finditer(re.escape(_FOUND), rest):
        for closing in re.finditer(re.escape("); "), rest):
            text = rest[opening.end() : closing.start()]
            if closing.start() < opening.end() or not _is_literal(text):
                continue
            rule, remedy = rest[: opening.start()], rest[closing.end() :]
            return Problem(path, ast.literal_eval(text), rule, remedy)
    return Problem("$", None, line, "")


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def execution_error(error: dict[str, Any]) -> TableferryError:
    """The error in an outcome document, so that its exit status can be told."""
    name, cause, hint = error["name"], error["cause"], error.get("hint", "")
    found = error_from(name, cause, hint)
    return found if found.name == name else MigrationError(cause, hint=hint)
