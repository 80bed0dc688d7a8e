from decimal import Decimal
from typing import Any

import pytest

from tests.unit.transform.applying import applied, only_problem


def setting(value: Any) -> list[dict[str, Any]]:
    return [{"set": {"attribute": "a", "value": value}}]


def stored(value: Any) -> dict[str, Any]:
    changed = applied(setting(value), {})
    assert changed is not None
    found: dict[str, Any] = changed["a"]
    return found


def nested(levels: int, innermost: Any, wrap: Any) -> Any:
    for _ in range(levels):
        innermost = wrap(innermost)
    return innermost


@pytest.mark.parametrize(
    ("value", "typed"),
    [
        ("", {"S": ""}),
        ("text", {"S": "text"}),
        (True, {"BOOL": True}),
        (None, {"NULL": True}),
        (2, {"N": "2"}),
        (-0.0, {"N": "0"}),
        (1.10, {"N": "1.1"}),
        (1e22, {"N": "10000000000000000000000"}),
        (1e-7, {"N": "0.0000001"}),
        (123456789012.345, {"N": "123456789012.345"}),
        (10**37 + 1, {"N": "1" + "0" * 36 + "1"}),
        (Decimal("1.00000000000000000000000000000000001"), {"N": "1." + "0" * 34 + "1"}),
        ([], {"L": []}),
        ({}, {"M": {}}),
        ([1, ["a"]], {"L": [{"N": "1"}, {"L": [{"S": "a"}]}]}),
        ({"": {"k": None}}, {"M": {"": {"M": {"k": {"NULL": True}}}}}),
        (
            {"typed": {"S": "x"}, "other": 1},
            {"M": {"typed": {"M": {"S": {"S": "x"}}}, "other": {"N": "1"}}},
        ),
    ],
)
def test_plain_json_becomes_the_type_that_it_looks_like(value: Any, typed: dict[str, Any]) -> None:
    assert stored(value) == typed


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ({"S": "{% not an expression %}"}, {"S": "{% not an expression %}"}),
        ({"N": "01.50"}, {"N": "1.5"}),
        ({"B": "YQ=="}, {"B": "YQ=="}),
        ({"B": ""}, {"B": ""}),
        ({"BOOL": False}, {"BOOL": False}),
        ({"NULL": True}, {"NULL": True}),
        ({"NS": ["1", "2.0"]}, {"NS": ["1", "2"]}),
        ({"SS": [""]}, {"SS": [""]}),
        ({"BS": ["YQ==", "Yg=="]}, {"BS": ["YQ==", "Yg=="]}),
        ({"L": [{"M": {"": {"N": "1"}}}]}, {"L": [{"M": {"": {"N": "1"}}}]}),
    ],
)
def test_a_typed_value_is_written_as_it_stands(typed: dict, written: dict) -> None:
    assert stored({"typed": typed}) == written


@pytest.mark.parametrize(
    ("value", "path", "rule"),
    [
        ({"SS": []}, "SS", "must be a list of at least one; DynamoDB has no empty set"),
        ({"SS": ["a", "a"]}, "SS[1]", "stands in the set twice"),
        ({"NS": ["1", "1.0"]}, "NS[1]", "stands in the set twice"),
        ({"NS": [1]}, "NS[0]", "must be a number as text"),
        ({"N": 1}, "N", "must be a number as text"),
        ({"N": "1" * 39}, "N", "has 39 significant digits; DynamoDB holds 38"),
        ({"N": "1e126"}, "N", "is beyond 1E-130 to 9.99E+125, the range of DynamoDB"),
        ({"N": " 1"}, "N", "is not a number"),
        ({"B": "a"}, "B", "must be text in base64"),
        ({"B": "YQ= ="}, "B", "must be text in base64"),
        ({"B": "é"}, "B", "must be text in base64"),
        ({"BS": ["YQ==", "YQ=="]}, "BS[1]", "stands in the set twice"),
        ({"S": 1}, "S", "must be text"),
        ({"BOOL": "true"}, "BOOL", "must be true or false"),
        ({"NULL": False}, "NULL", "must be true"),
        ({"L": {}}, "L", "must be a list of typed values"),
        ({"M": []}, "M", "must be an object of typed values"),
        ({"L": [1]}, "L[0]", "must be an object with one key, the DynamoDB type"),
        ({"M": {"a b": {"N": "x"}}}, "M.a b.N", "is not a number"),
        ({"M": {"a\nb": {"N": "x"}}}, 'M."a\\nb".N', "is not a number"),
        ({"n": "1"}, "n", "is not a DynamoDB type"),
    ],
)
def test_a_typed_value_that_dynamodb_would_refuse_is_refused_at_its_place(
    value: dict, path: str, rule: str
) -> None:
    problem = only_problem(setting({"typed": value}))
    assert (problem.path, problem.rule) == (f"transform[0].set.value.typed.{path}", rule)


@pytest.mark.parametrize(
    "value", [0.1 + 0.2, 1234567.8901234567, 5e-324, float("nan"), float("inf")]
)
def test_a_fraction_that_the_json_parser_may_have_changed_is_refused(value: float) -> None:
    problem = only_problem(setting({"a": [value]}))
    assert problem.path == "transform[0].set.value.a[0]"
    assert '{"typed": {"N": "…"}}' in problem.remedy


@pytest.mark.parametrize(
    "value",
    [10**38 + 1, 10**200, 10**5000, Decimal("1E-200"), Decimal("NaN")],
    ids=["39 digits", "out of range", "5001 digits", "too small", "not a number"],
)
def test_a_number_that_dynamodb_can_not_hold_is_refused(value: Any) -> None:
    assert only_problem(setting(value)).path == "transform[0].set.value"


@pytest.mark.parametrize("value", ["{% a", "a %}", " {% a %}", "{% a %}\n", "{%}"])
def test_a_text_that_was_meant_as_an_expression_is_not_stored_as_text(value: str) -> None:
    assert only_problem(setting(value)).rule.startswith("an expression must be the whole value")


def test_an_expression_inside_a_list_or_an_object_is_not_stored_as_text() -> None:
    assert only_problem(setting({"a": ["{% b %}"]})).path == "transform[0].set.value.a[0]"


def test_half_a_surrogate_pair_is_refused_in_values_and_names() -> None:
    assert only_problem(setting("\ud800")).path == "transform[0].set.value"
    assert only_problem(setting({"\ud800": 1})).path == 'transform[0].set.value."\\ud800"'
    assert only_problem([{"remove": ["\ud800"]}]).path == "transform[0].remove[0]"


@pytest.mark.parametrize(
    "value",
    [
        nested(32, 1, lambda inner: [inner]),
        nested(32, 1, lambda inner: {"a": inner}),
        {"typed": nested(32, {"S": "a"}, lambda inner: {"L": [inner]})},
        {"typed": nested(32, {"S": "a"}, lambda inner: {"M": {"a": inner}})},
    ],
)
def test_values_nest_as_deep_as_dynamodb_allows(value: Any) -> None:
    assert stored(value)


@pytest.mark.parametrize(
    "value",
    [
        nested(33, 1, lambda inner: [inner]),
        nested(100_000, 1, lambda inner: {"a": inner}),
        {"typed": nested(33, {"S": "a"}, lambda inner: {"L": [inner]})},
        {"typed": nested(100_000, {"S": "a"}, lambda inner: {"M": {"a": inner}})},
    ],
    ids=["list", "object", "typed-list", "typed-object"],
)
def test_values_that_nest_deeper_are_refused(value: Any) -> None:
    rule = "is nested deeper than the 32 levels that DynamoDB allows"
    assert only_problem(setting(value)).rule == rule
