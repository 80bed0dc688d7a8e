"""What goes where: a result on standard output, everything said on the way on standard error.

With `--json` standard output holds one JSON document and nothing else.
"""

import json
from collections.abc import Sequence
from typing import Any

import click

from tableferry.errors import Problem, TableferryError


def print_document(document: dict[str, Any]) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, default=str))


def print_lines(lines: Sequence[str]) -> None:
    """A result for people, on standard output."""
    for line in lines:
        click.echo(line)


def say(text: str) -> None:
    """Something on the way, on standard error."""
    click.echo(text, err=True)


def print_error(error: TableferryError, *, as_json: bool) -> None:
    """The error as the contract has it: a document, or `error: …`, its problems, `hint: …`."""
    if as_json:
        print_document({"error": error.to_json()})
        return
    say(f"error: {error.cause}")
    for problem in error.problems:
        say(f"  {problem_line(problem)}")
    if error.hint:
        say(f"hint: {error.hint}")


def problem_line(problem: Problem) -> str:
    """Path, rule, value and remedy on one line."""
    found = ""
    if problem.value is not None:
        found = f" (found {json.dumps(problem.value, ensure_ascii=False, default=str)})"
    return f"{problem.path}: {problem.rule}{found}; {problem.remedy}"
