"""One item gives one answer: on a retry, in a verification, in any thread, after any other item."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tableferry.items import from_typed, to_typed
from tableferry.transform import Transform, check_steps
from tests.unit.transform.applying import applied, evaluated, fault, only_problem, setting

# jsonata-python asks for the time, even where the picture leaves nothing to fill in.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

CHANGING = ["now", "millis", "random", "shuffle", "eval", "uuid"]


@pytest.mark.parametrize("name", CHANGING)
@pytest.mark.parametrize(
    "use",
    [
        "${}()",
        "$f := ${}",
        "($f := ${}; $f())",
        "$map([1], ${})",
        "'a' ~> ${}",
        "${}(?)",
        "{{'a': [${}]}}",
        "{{${}(): 1}}",
        "list[${}() > 0]",
        "list^(${}())",
        "list.(${}())",
        "list ~> |$|{{'a': ${}()}}|",
        "a ? 1 : ${}()",
        "function($x) {{ ${}() }}",
        "($f := function() {{ ${}() }}; $f())",
    ],
)
def test_a_function_that_changes_is_refused_wherever_it_hides(name: str, use: str) -> None:
    problem = only_problem([{"filter": "{%" + use.format(name) + "%}"}])
    assert problem.rule.startswith(f"${name} ")
    assert problem.rule.endswith("; retries and verification need the same answer")


def test_a_name_that_the_expression_assigns_is_its_own_whatever_it_is_called() -> None:
    assert evaluated("($now := 5; $now)") == {"N": "5"}
    assert evaluated("(function($random) { $random })(2)") == {"N": "2"}


@pytest.mark.parametrize(
    "expression",
    [
        "($time := $now(); $now := 1; $time)",
        "($f := $millis; $millis := 1; $f())",
        "($x := $map([1], $random); $random := 1; $x)",
        "($x := [1] ~> $shuffle; $shuffle := 1; $x)",
        "($x := $eval('1'); $eval := 1; $x)",
    ],
)
def test_a_changing_function_that_the_check_can_not_see_is_refused_when_called(
    expression: str,
) -> None:
    assert check_steps(setting(expression)) == []
    assert fault(expression).startswith("$")


def test_a_time_is_never_completed_with_today_s_date() -> None:
    reason = "$toMillis: the picture must hold the year [Y] and no weeks: today would fill in"
    assert fault("$toMillis('13:45', '[H]:[m]')") == reason
    assert fault("$toMillis('3', '[ W]')") == reason
    assert evaluated("$toMillis('2017-03', '[Y]-[M]')") == {"N": "1488326400000"}


def test_nothing_assigned_on_one_item_is_seen_on_the_next() -> None:
    transform = Transform.compile(setting("$exists($seen) ? 'before' : $seen := 'first'"))
    answers = [transform.apply({}) for _ in range(3)]
    assert [to_typed(answer or {})["result"] for answer in answers] == [{"S": "first"}] * 3


def test_threads_that_share_a_transform_do_not_disturb_each_other() -> None:
    expression = (
        "($f := $substringBefore(?, '-'); $sum($map([1..20], function($i) { $i * n })) & $f(s))"
    )
    transform = Transform.compile(
        [*setting(expression), {"filter": "{% $number($substringAfter(s, '-')) = n %}"}]
    )

    def answer(n: int) -> dict:
        item = from_typed({"n": {"N": str(n)}, "s": {"S": f"item{n}-{n}"}})
        return to_typed(transform.apply(item) or {})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(answer, range(400)))
    assert [a["result"]["S"] for a in answers] == [f"{210 * n}item{n}" for n in range(400)]


def test_the_order_in_which_dynamodb_returns_sets_and_maps_does_not_matter() -> None:
    first = {"s": {"SS": ["a", "b", "c"]}, "m": {"M": {"x": {"S": "1"}, "y": {"S": "2"}}}}
    second = {"m": {"M": {"y": {"S": "2"}, "x": {"S": "1"}}}, "s": {"SS": ["c", "a", "b"]}}
    steps = setting("$join(s, ',') & $join($each(m, function($v, $k) { $k & $v })) & $string(m)")
    results = [(applied(steps, item) or {})["result"] for item in (first, second)]
    assert results == [{"S": 'a,b,cx1y2{"x":"1","y":"2"}'}] * 2
