"""Short ways to apply steps to items in DynamoDB JSON."""

from collections.abc import Sequence
from typing import Any

import pytest

from tableferry.errors import ItemError, Problem
from tableferry.items import from_typed, to_typed
from tableferry.transform import Transform, check_steps

Typed = dict[str, Any]


def applied(steps: Sequence[Typed], item: Typed) -> Typed | None:
    """The transformed item in DynamoDB JSON; None where it is filtered."""
    wire = Transform.compile(steps).apply(from_typed(item))
    return None if wire is None else to_typed(wire)


def refusal(steps: Sequence[Typed], item: Typed) -> str:
    """Why the item can not be migrated."""
    with pytest.raises(ItemError) as caught:
        applied(steps, item)
    return caught.value.cause


def setting(expression: str) -> list[Typed]:
    return [{"set": {"attribute": "result", "value": f"{{% {expression} %}}"}}]


def evaluated(expression: str, item: Typed | None = None) -> Typed:
    """The typed value that an expression gives on an item."""
    changed = applied(setting(expression), item or {})
    assert changed is not None
    found: Typed = changed["result"]
    return found


def fault(expression: str, item: Typed | None = None) -> str:
    """Why an expression can not be evaluated on an item, without the step's place."""
    return refusal(setting(expression), item or {}).removeprefix("transform[0].set.value: ")


def only_problem(steps: object) -> Problem:
    (problem,) = check_steps(steps)
    return problem
