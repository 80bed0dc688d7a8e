"""What an expression sees of an item, and what becomes of its answer."""

import pytest

from tableferry.errors import ItemError
from tests.unit.transform.applying import Typed, applied, evaluated, fault, refusal, setting

THIRTY_EIGHT_DIGITS = "12345678901234567890123456789012345678"
ITEM: Typed = {
    "text": {"S": "x"},
    "empty": {"S": ""},
    "number": {"N": "5.5"},
    "big": {"N": THIRTY_EIGHT_DIGITS},
    "binary": {"B": "YQ=="},
    "yes": {"BOOL": True},
    "nothing": {"NULL": True},
    "list": {"L": [{"S": "a"}, {"NULL": True}, {"L": [{"N": "1"}]}]},
    "one": {"L": [{"S": "a"}]},
    "none": {"L": []},
    "map": {"M": {"b": {"S": "y"}, "a": {"N": "2"}, "": {"S": "e"}}},
    "strings": {"SS": ["b", "a"]},
    "numbers": {"NS": ["10", "9", "-1"]},
    "binaries": {"BS": ["Yg==", "YQ=="]},
}


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("text", {"S": "x"}),
        ("empty", {"S": ""}),
        ("number", {"N": "5.5"}),
        ("binary", {"S": "YQ=="}),
        ("yes", {"BOOL": True}),
        ("nothing", {"NULL": True}),
        ("list", ITEM["list"]),
        ("one", ITEM["one"]),
        ("none", {"L": []}),
        ("map", ITEM["map"]),
        ("strings", {"L": [{"S": "a"}, {"S": "b"}]}),
        ("numbers", {"L": [{"N": "-1"}, {"N": "9"}, {"N": "10"}]}),
        ("binaries", {"L": [{"S": "YQ=="}, {"S": "Yg=="}]}),
        ("map.``", {"S": "e"}),
        ("$.text", {"S": "x"}),
        ("$$.text", {"S": "x"}),
        ("$lookup('text')", {"S": "x"}),
        ("nothing = null", {"BOOL": True}),
        ("{'a': nothing, 'b': absent}", {"M": {"a": {"NULL": True}}}),
        ("[nothing, absent, 1]", {"L": [{"NULL": True}, {"N": "1"}]}),
        ("[1..3]", {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]}),
        ("one[0]", {"S": "a"}),
        ("$map(one, $uppercase)", {"S": "A"}),
        ("[$map(one, $uppercase)]", {"L": [{"S": "A"}]}),
        ("$keys(map)", {"L": [{"S": ""}, {"S": "a"}, {"S": "b"}]}),
        ("$type(nothing)", {"S": "null"}),
        ("'\\ud83d\\ude00'", {"S": "😀"}),
    ],
)
def test_types_pass_through_an_expression(expression: str, result: Typed) -> None:
    assert evaluated(expression, ITEM) == result


@pytest.mark.parametrize(
    ("number", "result"),
    [
        ("1.0", "1"),
        ("0.1", "0.1"),
        ("-0.000001", "-0.000001"),
        ("0.0000001", "0.0000001"),
        ("51.50735091234567", "51.50735091234567"),
        ("1234567890123456", "1234567890123456"),
        ("9007199254740991", "9007199254740991"),
        ("1E+22", "10000000000000000000000"),
        ("1E+100", "1E+100"),
        ("1E-100", "1E-100"),
    ],
)
def test_a_number_that_a_double_holds_comes_back_in_its_shortest_spelling(
    number: str, result: str
) -> None:
    assert evaluated("n", {"n": {"N": number}}) == {"N": result}


@pytest.mark.parametrize(
    "number",
    [
        THIRTY_EIGHT_DIGITS,
        "9007199254740993",
        "1152921504606846976",
        "0.10000000000000000001",
        "-1.0000000000000000000000000000000000001",
    ],
)
def test_a_number_that_a_double_would_change_is_refused_with_its_attribute(number: str) -> None:
    reason = (
        f'the number {number} in attribute "n" would be changed by a double, '
        "which JSONata computes with"
    )
    for value in ({"N": number}, {"NS": [number]}, {"L": [{"M": {"x": {"N": number}}}]}):
        assert fault("n", {"n": value}) == reason
        assert fault("false or $exists(n)", {"n": value}) == reason


@pytest.mark.parametrize(
    "expression",
    ["text", "$$.text", "$lookup('text')", "yes or big > 1", "$count($keys($))", "map.a + number"],
)
def test_a_number_that_the_expression_does_not_read_does_not_matter(expression: str) -> None:
    changed = applied([{"set": {"attribute": "r", "value": f"{{% {expression} %}}"}}], ITEM)
    assert changed is not None
    assert changed["big"] == {"N": THIRTY_EIGHT_DIGITS}


@pytest.mark.parametrize(
    "expression", ["$", "*", "**", "$string($)", "$merge([$])", "$ = $$", "$spread($)"]
)
def test_an_expression_that_reads_the_whole_item_reads_every_number(expression: str) -> None:
    assert "would be changed by a double" in fault(expression, ITEM)


@pytest.mark.parametrize("expression", ["$", "*", "$merge([$, {}])", "$ ~> |$|{}|", "$clone($)"])
def test_the_whole_item_is_seen_in_the_order_of_its_names(expression: str) -> None:
    item = {"b": {"N": "2"}, "a": {"S": "1"}, "c": {"M": {"z": {"NULL": True}, "y": {"SS": ["q"]}}}}
    shuffled = {name: item[name] for name in ("c", "a", "b")}
    text = evaluated(f"$string({expression})", item)
    assert text == evaluated(f"$string({expression})", shuffled)
    assert '"y":["q"],"z":null' in text["S"]


@pytest.mark.parametrize(
    "expression", ["absent", "text.absent", "absent > 1", "[][0]", "$match('a', /b/)"]
)
def test_an_undefined_answer_is_refused(expression: str) -> None:
    reason = "the expression gives no value (undefined) for this item"
    assert fault(expression, ITEM) == reason


@pytest.mark.parametrize(
    "expression", ["$sum", "function($x) { $x }", "[$sum]", "{'f': $sum}", "/a/"]
)
def test_an_answer_that_is_a_function_is_refused(expression: str) -> None:
    assert fault(expression) == "the result is or holds a function, not a value"


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("1 / 0", "ZeroDivisionError: float division by zero"),
        ("true and 1 / 0 = 1", "ZeroDivisionError: float division by zero"),
        (
            "$power(10, 200)",
            "the resulting number is beyond 1E-130 to 9.99E+125, the range of DynamoDB",
        ),
        ("text + 1", "The left side of the + operator must evaluate to a number (T2001)"),
        (
            "$uppercase(number)",
            "Argument 1 of function uppercase does not match function signature",
        ),
        ("$error('no such airport')", "no such airport at character 10 (D3137)"),
        ("'\\ud83d'", "a text holds half a surrogate pair, which UTF-8 can not carry"),
        ("(5)(1)", "Attempted to invoke a non-function (T1006)"),
    ],
)
def test_an_error_of_the_expression_is_the_reason(expression: str, reason: str) -> None:
    assert fault(expression, ITEM).startswith(reason)


def test_a_reason_that_quotes_data_is_short_and_can_be_written_anywhere() -> None:
    reason = fault("text > 1", {"text": {"S": "long " * 50_000}})
    assert len(reason) < 600
    assert fault("'\\ud83d' > 1").startswith("The values \\ud83d and 1 either side of operator >")


def test_a_refusal_says_what_the_author_can_do() -> None:
    with pytest.raises(ItemError) as caught:
        applied(setting("big"), ITEM)
    assert caught.value.hint == 'cast "big" to S in a step before, or use a python step'


def test_an_expression_that_fails_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    fault("(5)(1)")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("expression", "passes"),
    [
        ("lastUpdated >= '2017-01-01'", True),
        ("lastUpdated >= '2018-01-01'", False),
        ("absent", False),
        ("absent = 1", False),
        ("lastUpdated", False),
        ("1", False),
        ("[true]", False),
        ("null", False),
        ("$exists(absent) = false", True),
    ],
)
def test_an_item_passes_a_filter_for_which_the_expression_is_exactly_true(
    expression: str, passes: bool
) -> None:
    item = {"lastUpdated": {"S": "2017-05-05"}}
    assert applied([{"filter": f"{{% {expression} %}}"}], item) == (item if passes else None)


def test_an_item_on_which_the_filter_fails_is_never_filtered_silently() -> None:
    cause = refusal(
        [{"filter": "{% lastUpdated >= '2017-01-01' %}"}], {"lastUpdated": {"N": "2017"}}
    )
    assert cause.startswith("transform[0].filter: The values 2017 and 2017-01-01 either side of")


def test_a_later_step_sees_what_an_earlier_one_set() -> None:
    steps: list[Typed] = [
        {"rename": {"from": "a", "to": "b"}},
        {"set": {"attribute": "c", "value": "{% b & '!' %}"}},
        {"filter": "{% c = 'x!' and $not($exists(a)) %}"},
    ]
    assert applied(steps, {"a": {"S": "x"}}) == {"b": {"S": "x"}, "c": {"S": "x!"}}
