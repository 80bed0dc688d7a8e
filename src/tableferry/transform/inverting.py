"""The way back through a transform, as far as its steps alone tell.

Whether it holds is a question to the items: inverse(transform(x)) = x for each of them. A rename
back is wrong for an item that had the new name alone, and taking a constant away for one that had
the attribute before.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Steps = list[dict[str, Any]]


def inverse_of(steps: Sequence[Mapping[str, Any]]) -> tuple[Steps | None, str]:
    """The steps back, last first, and what they need of the items; None with the reason why not."""
    back: Steps = []
    needs: list[str] = []
    for index, step in enumerate(steps):
        ((verb, argument),) = step.items()
        found = _BACK.get(verb)
        if found is None:
            return None, f"transform[{index}]: {_WHY_NOT[verb]}"
        inverse, need = found(argument)
        back.insert(0, inverse)
        needs.append(need)
    return back, "; ".join(dict.fromkeys(needs)) or "the items stay as they are"


def _rename(argument: Any) -> tuple[dict[str, Any], str]:
    inverse = {"rename": {"from": argument["to"], "to": argument["from"]}}
    return inverse, f"no item may have {argument['to']!r} before, which is renamed back"


def _set(argument: Any) -> tuple[dict[str, Any], str]:
    name = argument["attribute"]
    return {"remove": [name]}, f"no item may have {name!r} before, which is taken away again"


def _cast(argument: Any) -> tuple[dict[str, Any], str]:
    name, kind = argument["attribute"], argument["to"]
    inverse = {"cast": {"attribute": name, "to": "S" if kind == "N" else "N"}}
    spelling = f"each {name!r} must be spelt as DynamoDB spells numbers"
    return inverse, spelling if kind == "N" else "numbers come back as they were"


_BACK = {"rename": _rename, "set": _set, "cast": _cast}
_WHY_NOT = {
    "remove": "what is removed can not come back",
    "default": "items that had the attribute can not be told from those that were given it",
    "filter": "items that were left out can not come back",
    "python": "what Python code did is not known",
}
