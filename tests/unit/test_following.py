from typing import Any

import pytest

from tableferry.following import Followed, follow, key_type_of, types_after


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([], Followed("a", "N"), id="untouched"),
        pytest.param([{"rename": {"from": "a", "to": "b"}}], Followed("b", "N"), id="renamed"),
        pytest.param(
            [{"rename": {"from": "a", "to": "b"}}, {"rename": {"from": "b", "to": "c"}}],
            Followed("c", "N"),
            id="renamed-twice",
        ),
        pytest.param([{"remove": ["x", "a"]}], Followed(None, None), id="removed"),
        pytest.param(
            [{"cast": {"attribute": "a", "to": "S"}}], Followed("a", "S"), id="cast-to-another-type"
        ),
        pytest.param(
            [{"set": {"attribute": "a", "value": "x"}}], Followed("a", "S"), id="set-to-text"
        ),
        pytest.param(
            [{"set": {"attribute": "a", "value": "{% b %}"}}],
            Followed("a", None),
            id="set-by-jsonata",
        ),
        pytest.param(
            [{"default": {"attribute": "a", "value": "x"}}], Followed("a", "N"), id="default-fills"
        ),
        pytest.param(
            [
                {"rename": {"from": "a", "to": "old"}},
                {"set": {"attribute": "a", "value": "{% $uuid5('x', old) %}"}},
            ],
            Followed("a", None),
            id="the-old-name-is-given-again",
        ),
        pytest.param(
            [{"remove": ["a"]}, {"rename": {"from": "b", "to": "a"}}],
            Followed("a", None),
            id="another-takes-the-name",
        ),
        pytest.param(
            [{"filter": "{% a > 1 %}"}, {"python": "m:f"}],
            Followed("a", "N"),
            id="others-stand-aside",
        ),
    ],
)
def test_an_attribute_is_followed(steps: list[dict[str, Any]], expected: Followed) -> None:
    assert follow(steps, "a", "N") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "S"),
        (" {% a %}", None),
        (1, "N"),
        (1.5, "N"),
        (True, None),
        (None, None),
        ([1], None),
        ({"typed": {"B": "eA=="}}, "B"),
        ({"typed": {"NS": ["1"]}}, None),
        ({"a": 1}, None),
    ],
)
def test_a_constant_has_a_key_type_or_none(value: object, expected: str | None) -> None:
    assert key_type_of(value) == expected


def test_types_after_all_steps() -> None:
    steps: list[dict[str, Any]] = [
        {"rename": {"from": "id", "to": "uid"}},
        {"cast": {"attribute": "age", "to": "S"}},
        {"set": {"attribute": "key", "value": "{% uid %}"}},
        {"set": {"attribute": "version", "value": 2}},
        {"remove": ["gone"]},
    ]
    types = types_after(steps, {"id": "S", "age": "N", "gone": "B"})
    assert types == {"uid": "S", "age": "S", "key": None, "version": "N"}


def test_after_a_python_step_no_type_is_known() -> None:
    assert types_after([{"python": "m:f"}], {"id": "S"}) == {"id": None}
