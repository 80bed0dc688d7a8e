from typing import Any

import pytest

from tableferry.transform import check_condition, check_steps
from tests.unit.transform.applying import only_problem


def test_every_mistake_is_named_at_once_with_its_path_value_rule_and_remedy() -> None:
    found = check_steps(
        [
            {"rename": {"from": "", "to": "b", "form": "a"}},
            {"set": {"attribute": "x", "value": "{% $now() %}"}},
            {"remove": "legacy"},
            {"filtr": "{% a %}"},
        ]
    )
    assert [(problem.path, problem.value) for problem in found] == [
        ("transform[0].rename.form", "a"),
        ("transform[0].rename.from", ""),
        ("transform[1].set.value", "{% $now() %}"),
        ("transform[2].remove", "legacy"),
        ("transform[3].filtr", "filtr"),
    ]
    assert all(problem.rule and problem.remedy for problem in found)
    assert found[0].remedy == "did you mean from?"
    assert found[4].remedy == "did you mean filter?"


@pytest.mark.parametrize(
    ("step", "path", "rule"),
    [
        ("rename", "transform[0]", "must be an object with one key, the name of the step"),
        ({}, "transform[0]", "must be an object with one key, the name of the step"),
        (
            {"remove": ["a"], "cast": {}},
            "transform[0]",
            "must be an object with one key, the name of the step",
        ),
        ({"rename": ["a", "b"]}, "transform[0].rename", "must be an object"),
        ({"rename": {"from": "a"}}, "transform[0].rename.to", "is required"),
        (
            {"rename": {"from": 1, "to": "b"}},
            "transform[0].rename.from",
            "must be an attribute name",
        ),
        (
            {"rename": {"from": "a", "to": "a"}},
            "transform[0].rename.to",
            "is the same name as from",
        ),
        ({"set": {"attribute": "a"}}, "transform[0].set.value", "is required"),
        ({"default": {"value": 1}}, "transform[0].default.attribute", "is required"),
        (
            {"remove": []},
            "transform[0].remove",
            "must be a list of attribute names, with at least one",
        ),
        ({"remove": ["a", ""]}, "transform[0].remove[1]", "must not be empty"),
        (
            {"remove": ["a" * 65_536]},
            "transform[0].remove[0]",
            "must be text of up to 65,535 bytes in UTF-8",
        ),
        ({"cast": {"attribute": "a", "to": "B"}}, "transform[0].cast.to", 'must be "S" or "N"'),
        (
            {"filter": "a > 1"},
            "transform[0].filter",
            "must be JSONata that starts exactly with {% and ends exactly with %}",
        ),
        (
            {"filter": True},
            "transform[0].filter",
            "must be JSONata that starts exactly with {% and ends exactly with %}",
        ),
        ({"filter": "{%  %}"}, "transform[0].filter", "is an empty expression"),
        ({"python": "rules"}, "transform[0].python", "must be module:function"),
        ({"python": "../rules:change"}, "transform[0].python", "must be module:function"),
    ],
)
def test_a_step_that_breaks_a_rule_is_refused(step: Any, path: str, rule: str) -> None:
    problem = only_problem([step])
    assert (problem.path, problem.rule) == (path, rule)


@pytest.mark.parametrize("document", [None, {}, "[]", 1, {"rename": {}}])
def test_a_transform_is_a_list(document: object) -> None:
    assert only_problem(document).rule == "must be a list of steps"


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("a +", "is not JSONata: Unexpected end of expression at character 5 (S0207)"),
        (
            "'a",
            "is not JSONata: String literal must be terminated by a matching quote at character 4",
        ),
        ("a b", "is not JSONata: Syntax error: b at character 5 (S0201)"),
        ("/[/", "is not JSONata: No terminating / in regular expression at character 5 (S0302)"),
        (
            "$match(a, /a{2,1}/)",
            "is not JSONata: error: min repeat greater than max repeat at position 2",
        ),
        (
            "%.a",
            'is not JSONata: The object representing the "parent" cannot be derived',
        ),
        ("(" * 20_000, "is not JSONata: RecursionError"),
    ],
)
def test_an_expression_that_does_not_parse_is_named_with_its_position(
    source: str, rule: str
) -> None:
    assert only_problem([{"filter": f"{{%{source}%}}"}]).rule.startswith(rule)


def test_a_failed_parse_leaves_nothing_behind_for_the_next() -> None:
    assert check_steps([{"filter": "{% %.a %}"}])
    assert check_steps([{"filter": "{% a.b.(%.c) %}"}, {"filter": "{% a %}"}]) == []


def test_a_long_value_is_shown_by_its_beginning() -> None:
    problem = only_problem([{"filter": "x" * 100_000}])
    assert len(problem.value) < 600


def test_a_name_that_is_neither_a_function_nor_assigned_is_refused_with_what_was_meant() -> None:
    problem = only_problem([{"filter": "{% $lenght(a) > 1 %}"}])
    assert problem.rule == '"$lenght" is neither a function nor assigned in the expression'
    assert problem.remedy == "did you mean $length?"


@pytest.mark.parametrize(
    "source",
    [
        "($x := 1; $x = a)",
        "$map(l, function($v, $i) { $v + $i })",
        "l@$v#$i.{ 'v': $v, 'i': $i }",
        "l#$i[$i = 1]",
        "($fact := function($n) { $n < 2 ? 1 : $n * $fact($n - 1) }; $fact(3)) = 6",
        "a ~> $uppercase ~> $lowercase",
        "l^(>n, <s)",
        "m ~> |$|{'a': 1}, ['b']|",
    ],
)
def test_names_that_the_expression_assigns_are_known(source: str) -> None:
    assert check_steps([{"filter": f"{{% {source} %}}"}]) == []


@pytest.mark.parametrize(
    "number", ["9007199254740993", "0.12345678901234567890", "1 - 12345678901234567890"]
)
def test_a_number_in_an_expression_that_a_double_would_change_is_refused(number: str) -> None:
    problem = only_problem([{"set": {"attribute": "a", "value": f"{{% {number} %}}"}}])
    assert "would be changed by a double" in problem.rule


def test_a_condition_is_checked_like_a_filter() -> None:
    assert check_condition("{% a > 1 %}", "cleanWhere") == []
    (problem,) = check_condition("{% $millis() > a %}", "cleanWhere")
    assert problem.path == "cleanWhere"
