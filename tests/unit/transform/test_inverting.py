from typing import Any

import pytest

from tableferry.items import from_typed, to_typed
from tableferry.transform import Transform
from tableferry.transform.inverting import inverse_of


def test_steps_go_back_last_first() -> None:
    steps: list[dict[str, Any]] = [
        {"rename": {"from": "a", "to": "b"}},
        {"set": {"attribute": "version", "value": 2}},
        {"cast": {"attribute": "n", "to": "S"}},
    ]
    back, needs = inverse_of(steps)
    assert back == [
        {"cast": {"attribute": "n", "to": "N"}},
        {"remove": ["version"]},
        {"rename": {"from": "b", "to": "a"}},
    ]
    assert "'b'" in needs and "'version'" in needs
    item = {"id": {"S": "1"}, "a": {"S": "x"}, "n": {"N": "12.5"}}
    there = Transform.compile(steps).apply(from_typed(item))
    assert there is not None
    again = Transform.compile(back or []).apply(there)
    assert again is not None and to_typed(again) == item


def test_no_steps_are_their_own_inverse() -> None:
    assert inverse_of([]) == ([], "the items stay as they are")


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ({"remove": ["a"]}, "removed"),
        ({"default": {"attribute": "a", "value": 1}}, "can not be told"),
        ({"filter": "{% a = 1 %}"}, "left out"),
        ({"python": "module:function"}, "Python"),
    ],
)
def test_what_has_no_way_back_says_why(step: dict[str, Any], reason: str) -> None:
    back, said = inverse_of([{"rename": {"from": "x", "to": "y"}}, step])
    assert back is None
    assert said.startswith("transform[1]: ") and reason in said
