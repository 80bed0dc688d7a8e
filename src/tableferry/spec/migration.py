"""The migration spec: one document, validated once, all its problems at once."""

import copy
import json
from dataclasses import replace
from typing import Any, Self

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tableferry.errors import InvalidSpecError, Problem
from tableferry.spec.creating import creation_problems
from tableferry.spec.model import Fields
from tableferry.spec.not_yet import not_yet_problems
from tableferry.spec.problems import path_of, problem_of
from tableferry.spec.rules import RULES
from tableferry.transform import check_condition, check_steps

# A state's input and output hold 256 KiB (Step Functions quotas); the spec travels beside others.
MAX_SPEC_BYTES = 100_000
# JSON readers of other languages, JSONata among them, hold numbers as doubles.
_EXACT_INTEGERS = 2**53
_SHOWN = 300
# The fields that are objects; in them a wrong optional field does not hide the others.
_OBJECTS = ("source", "destination", "limits")
_STAND_INS: dict[str, Any] = {"migrationId": "x", "destination": {"tableName": "xxx"}}


class MigrationSpec(Fields):
    """What to move and how; see docs/spec.md for every field."""

    @classmethod
    def parse(cls, document: object, *, import_modules: bool = True) -> Self:
        """The spec in `document` with its defaults; raises InvalidSpecError with every problem.

        Without `import_modules` the transform's own modules are checked by name only.
        """
        if not isinstance(document, dict):
            raise InvalidSpecError(
                [Problem("$", document, "must be an object", "give the spec as a JSON object")]
            )
        problems = _size_problems(document) or _all_problems(document, import_modules)
        if problems:
            raise InvalidSpecError([_shortened(problem) for problem in problems])
        return cls.model_validate(document)


def _size_problems(document: dict[str, Any]) -> list[Problem]:
    try:
        size = len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
    except (RecursionError, TypeError, ValueError) as error:
        return [Problem("$", type(error).__name__, "is not a JSON document", "give plain JSON")]
    if size <= MAX_SPEC_BYTES:
        return []
    return [
        Problem(
            "$",
            f"{size:,} bytes",
            f"must be at most {MAX_SPEC_BYTES:,} bytes of JSON, to fit between states",
            "move long steps into a module of your own and use the python step",
        )
    ]


def _all_problems(document: dict[str, Any], import_modules: bool) -> list[Problem]:
    found = _field_errors(document)
    problems = [problem_of(each) for each in found]
    wrong = {problem.path for problem in problems}
    problems += [each for each in _number_problems(document, "") if each.path not in wrong]
    good, bad = _without_errors(document, found)
    refused = not_yet_problems(good)
    problems += refused
    spec = Fields.model_validate(good)
    for fields, rule in RULES:
        is_moot = any(problem.path == fields[0] for problem in refused)
        if not is_moot and not any(_touches(path, field) for path in bad for field in fields):
            problems += rule(spec)
    if not any(_touches(path, "destination") for path in bad):
        problems += creation_problems(spec.destination)
    problems += check_steps(spec.transform, "transform", import_modules=import_modules)
    if spec.clean_where is not None:
        problems += check_condition(spec.clean_where, "cleanWhere")
    return problems


def _field_errors(document: dict[str, Any]) -> list[ErrorDetails]:
    try:
        Fields.model_validate(document)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def _without_errors(
    document: dict[str, Any], found: list[ErrorDetails]
) -> tuple[dict[str, Any], set[str]]:
    """The document without what is wrong in it (valid by itself), and the paths that were wrong."""
    good = copy.deepcopy(document)
    bad = set()
    for each in found:
        location = each["loc"]
        is_inner = len(location) > 1 and location[0] in _OBJECTS and location[1] != "tableName"
        top = good.get(str(location[0]))
        if is_inner and isinstance(top, dict):
            top.pop(str(location[1]), None)
        else:
            good.pop(str(location[0]), None)
        if each["type"] != "extra_forbidden":
            bad.add(path_of(location))
    for name, stand_in in _STAND_INS.items():
        good.setdefault(name, stand_in)
    return good, bad


def _shortened(problem: Problem) -> Problem:
    """The problem with a value that is quickly read; an execution's cause is bounded."""
    text = json.dumps(problem.value, ensure_ascii=False, default=str)
    if len(text) <= _SHOWN:
        return problem
    return replace(problem, value=f"{text[:_SHOWN]}… ({len(text):,} characters)")


def _touches(path: str, field: str) -> bool:
    return path == field or path.startswith((f"{field}.", f"{field}["))


def _number_problems(value: Any, path: str) -> list[Problem]:
    """Numbers that JSON tools on the way (the console, JSONata) would change without a word."""
    if isinstance(value, dict):
        inner = ((f"{path}.{name}" if path else name, each) for name, each in value.items())
        return [problem for at, each in inner for problem in _number_problems(each, at)]
    if isinstance(value, list):
        listed = enumerate(value)
        return [p for at, each in listed for p in _number_problems(each, f"{path}[{at}]")]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or abs(value) <= _EXACT_INTEGERS:
        return []
    return [
        Problem(
            path,
            str(value),
            "is a number beyond 2^53, which JSON tools on the way would change",
            'give an exact number as {"typed": {"N": "…"}}',
        )
    ]
