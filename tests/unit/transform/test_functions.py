"""Functions that jsonata-python got wrong, as JSONata documents them (docs.jsonata.org)."""

import pytest

from tests.unit.transform.applying import Typed, evaluated, fault

# jsonata-python asks for the time, even where the picture leaves nothing to fill in.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("$lowercase('Straße ÀÉ')", {"S": "straße àé"}),
        ("5.5 % 2", {"N": "1.5"}),
        ("-7 % 3", {"N": "-1"}),
        ("$string(1234567890123456)", {"S": "1234567890123456"}),
        ("'#' & 1234567890123456", {"S": "#1234567890123456"}),
        ("'#' & 12.50", {"S": "#12.5"}),
        ("$string(0.1 + 0.2)", {"S": "0.3"}),
        ("$string(1e21)", {"S": "1e+21"}),
        ("$string(1e-7)", {"S": "1e-7"}),
        ("$string(1e20)", {"S": "100000000000000000000"}),
        ("$string({'ä': ['😀', null, true, 1.5]})", {"S": '{"ä":["😀",null,true,1.5]}'}),
        ("$string(true)", {"S": "true"}),
        ("$string('\"')", {"S": '"'}),
        ("$string($sum)", {"S": ""}),
        ("$string({'a': [1]}, true)", {"S": '{\n  "a": [\n    1\n  ]\n}'}),
        ("['a', 1] & ''", {"S": '["a",1]'}),
        ("absent & 'x'", {"S": "x"}),
        ("$number('12.50')", {"N": "12.5"}),
        ("$number('1e3')", {"N": "1000"}),
        ("$number('0x1F') + $number('0b11') + $number('0o17')", {"N": "49"}),
        ("$number(true)", {"N": "1"}),
        ("$sum([0.1, 0.2, 0.3])", {"N": "0.6000000000000001"}),
        ("$average([1, 2])", {"N": "1.5"}),
        ("$pad('a', -3, '0')", {"S": "00a"}),
        ("$toMillis('2017-01-01T00:00:00.001Z')", {"N": "1483228800001"}),
        ("$toMillis('1969-12-31T23:59:59.999Z')", {"N": "-1"}),
        ("$toMillis('2017-01-01T01:00:00+01:00')", {"N": "1483228800000"}),
        ("$toMillis('2017-01-01')", {"N": "1483228800000"}),
        ("$toMillis('2017')", {"N": "1483228800000"}),
        ("$toMillis('01/02/2017', '[D01]/[M01]/[Y0001]')", {"N": "1485907200000"}),
        ("$fromMillis(1483228800001)", {"S": "2017-01-01T00:00:00.001Z"}),
        ("$replace('a.b', '.', '$1\\\\n')", {"S": "a$1\\nb"}),
        ("$replace('a.b', /\\./, '\\\\n')", {"S": "a\\nb"}),
        ("$replace('aaa', /a/, 'aa', 2)", {"S": "aaaaa"}),
        ("$replace('aaa', 'a', 'b', 0)", {"S": "aaa"}),
        ("$replace('John Smith', /(\\w+)\\s(\\w+)/, '$2, $1')", {"S": "Smith, John"}),
        ("$replace('265USD', /([0-9]+)USD/, '$$$1')", {"S": "$265"}),
        ("$replace('ab', /(a)(x)?/, '[$0$1$2$3$x]')", {"S": "[aa$x]b"}),
        ("$replace('ab', /(a)/, '$12')", {"S": "a2b"}),
        ("$replace('ab', /a/, '$1!')", {"S": "!b"}),
        (
            "$replace('68F', /([0-9]+)F/, function($m) { $m.groups[0] & '-' & $m.start & $m.end })",
            {"S": "68-03"},
        ),
        ("$match('ab12', /[a-z]+([0-9])/).groups[0]", {"S": "1"}),
        ("$contains('abc', /B/i)", {"BOOL": True}),
        ("$split('a,b;c', /[,;]/)", {"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}]}),
    ],
)
def test_a_function_gives_what_jsonata_documents(expression: str, result: Typed) -> None:
    assert evaluated(expression) == result


def test_text_keeps_all_digits_of_a_fraction_that_comes_from_the_item() -> None:
    item = {"latitude": {"N": "51.50735091234567"}}
    assert evaluated("'at ' & latitude", item) == {"S": "at 51.50735091234567"}
    assert evaluated("$string([latitude])", item) == {"S": "[51.50735091234567]"}


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("$number('nan')", '$number: "nan" is not a number'),
        ("$number('1_000')", '$number: "1_000" is not a number'),
        ("$number(' 1')", '$number: " 1" is not a number'),
        ("$number('12345678901234567890')", '$number: "12345678901234567890" would be changed'),
        ("$number('1e999')", '$number: "1e999" would be changed by a double'),
        ("$toMillis('tomorrow')", '$toMillis: "tomorrow" is not a time in ISO 8601'),
        ("$replace('a', /x*/, '-')", "$replace: the regular expression matches the empty text"),
        (
            "$replace('a', '', '-')",
            "$replace: the pattern must not be empty, nor the limit negative",
        ),
        ("$replace('a', 'a', '-', -1)", "$replace: the pattern must not be empty, nor the limit"),
        ("$replace('a', /a/, function($m) { 1 })", "$replace: the function must answer with text"),
        ("$lowercase(null)", "$lowercase: null is not text"),
        ("$string('\\ud800' & '') & {}", "a text holds half a surrogate pair"),
    ],
)
def test_a_function_that_can_not_answer_exactly_says_so(expression: str, reason: str) -> None:
    assert fault(expression).startswith(reason)
