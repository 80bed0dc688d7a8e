"""An expression that runs away ends with a reason, wherever it runs."""

import threading

import pytest

from tableferry.transform import Transform, check_steps
from tests.unit.transform.applying import evaluated, fault, setting


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        (
            "($f := function($n) { $f($n + 1) }; $f(1))",
            "the expression took more than 250,000 steps",
        ),
        (
            "$map([1..200000], function($x) { $x + 1 })",
            "the expression took more than 250,000 steps",
        ),
        ("[1..200000].($ + 1)", "the expression took more than 250,000 steps"),
        ("[[1..200000].($ + 1), 1]", "the expression took more than 250,000 steps"),
        ("($f := function($n) { 1 + $f($n) }; $f(1))", "the expression nests more than 400 deep"),
        (
            "($f := function($n) { $map([$n], $f) }; $f(1))",
            "the expression nests more than 400 deep",
        ),
        ("[1..2000000]", "a value grew to more than 1,000,000 characters or members"),
        ("$pad('', 100000000)", "$pad: 1,000,000 characters do not fit into an item"),
        ("$pad('', -100000000)", "$pad: 1,000,000 characters do not fit into an item"),
        (
            "$reduce([1..60], function($a, $b) { $a & $a }, 'xx')",
            "a value grew to more than 1,000,000 characters or members",
        ),
        (
            "$reduce([1..60], function($a, $b) { $append($a, $a) }, [1])",
            "a value grew to more than 1,000,000 characters or members",
        ),
        (
            "$reduce([1..31], function($a, $b) { {'l': $a, 'r': $a} }, {})",
            "the result holds more than 409,600 values",
        ),
        (
            "$length($string($reduce([1..31], function($a, $b) { {'l': $a, 'r': $a} }, {})))",
            "the result holds more than 409,600 values",
        ),
        (
            "$reduce([1..33], function($a, $b) { {'m': $a} }, {})",
            "the result is deeper than 32 levels",
        ),
    ],
)
def test_a_runaway_expression_ends_with_its_reason(expression: str, reason: str) -> None:
    assert fault(expression) == reason


@pytest.mark.parametrize(
    "function", ["$match(s, {})", "$contains(s, {})", "$split(s, {})", "$replace(s, {}, 'x')"]
)
def test_a_regular_expression_that_backtracks_for_ever_ends(function: str) -> None:
    item = {"s": {"S": "a" * 64 + "b"}}
    expression = function.format("/^(a|aa)+$/")
    assert fault(expression, item) == "a regular expression took more than 1 s"


def test_an_expression_that_nests_too_deep_to_parse_is_a_problem() -> None:
    for text in (
        "(" * 50_000,
        "[" * 50_000,
        "-" * 50_000 + "1",
        "1" + "+1" * 50_000,
        "a" + ".a" * 50_000,
    ):
        assert check_steps(setting(text))


def test_the_bounds_hold_in_a_thread_with_a_small_stack() -> None:
    transform = Transform.compile(setting("($f := function($n) { $map([$n], $f) }; $f(1))"))
    reasons: list[str] = []

    def work() -> None:
        try:
            transform.apply({})
        except Exception as error:
            reasons.append(str(error))

    before = threading.stack_size(1024 * 1024)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert reasons == ["transform[0].set.value: the expression nests more than 400 deep"]


def test_ordinary_recursion_and_loops_are_within_the_bounds() -> None:
    tail = "($f := function($n, $sum) { $n = 0 ? $sum : $f($n - 1, $sum + $n) }; $f(5000, 0))"
    assert evaluated(tail) == {"N": "12502500"}
    assert evaluated("($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(90))") == {"N": "90"}
    assert evaluated("$sum($map([1..10000], function($x) { $x * 2 }))") == {"N": "100010000"}


def test_an_expression_works_again_after_it_ran_away() -> None:
    steps = setting("n = 0 ? 'fine' : ($f := function($x) { 1 + $f($x) }; $f(1))")
    transform = Transform.compile(steps)
    assert "nests more" in fault(steps[0]["set"]["value"][2:-2], {"n": {"N": "1"}})
    for _ in range(3):
        assert evaluated(steps[0]["set"]["value"][2:-2], {"n": {"N": "0"}}) == {"S": "fine"}
    assert not transform.is_identity
