"""pydantic's findings as Problems: path, value, rule, remedy."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from tableferry.errors import Problem
from tableferry.spec.model import DestinationRef, Fields, Limits, TableRef

_NESTED: Mapping[str, type[BaseModel]] = {
    "source": TableRef,
    "destination": DestinationRef,
    "limits": Limits,
}

_RULES: Mapping[str, tuple[str, str]] = {
    "missing": ("is required", "add it"),
    "string_type": ("must be text", "put it in quotes"),
    "int_type": ("must be a whole number", "give a number without quotes or fraction"),
    "bool_type": ("must be true or false", "give true or false, without quotes"),
    "list_type": ("must be a list", "put it between [ and ]"),
    "dict_type": ("must be an object", "put it between { and }"),
    "model_type": ("must be an object", "put its fields between { and }"),
}


def path_of(location: Sequence[int | str]) -> str:
    """`("transform", 0, "rename")` as `transform[0].rename`; the whole document is `$`."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path or "$"


def problem_of(found: ErrorDetails) -> Problem:
    path = path_of(found["loc"])
    value = None if found["type"] == "missing" else found["input"]
    rule, remedy = _rule_and_remedy(found)
    return Problem(path, value, rule, remedy)


def _rule_and_remedy(found: ErrorDetails) -> tuple[str, str]:
    kind, context = found["type"], found.get("ctx", {})
    if kind == "tableferry":
        return context["rule"], context["remedy"]
    if kind == "extra_forbidden":
        return _unknown(found["loc"])
    if kind == "literal_error":
        expected = context["expected"].replace("'", '"')
        return f"must be {expected}", "choose one of them"
    if kind in {"greater_than_equal", "less_than_equal"}:
        return _bound(kind, context)
    return _RULES.get(kind, (found["msg"], "mend the value"))


def _bound(kind: str, context: Mapping[str, Any]) -> tuple[str, str]:
    if kind == "greater_than_equal":
        return f"must be {context['ge']:,} or more", "give a larger number"
    return f"must be {context['le']:,} or less", "give a smaller number"


def _unknown(location: Sequence[int | str]) -> tuple[str, str]:
    model = _NESTED.get(str(location[0]), Fields) if len(location) > 1 else Fields
    known = [field.alias or name for name, field in model.model_fields.items()]
    guess = nearest(str(location[-1]), known)
    remedy = f"did you mean {guess}?" if guess else f"leave it out; known are {', '.join(known)}"
    return "is not a known field", remedy


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` most likely meant, whatever its case and underscores."""
    folded = {each.casefold(): each for each in known}
    close = difflib.get_close_matches(name.replace("_", "").casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None
