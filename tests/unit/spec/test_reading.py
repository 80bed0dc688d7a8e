import pytest

from tableferry.errors import InvalidSpecError, Problem
from tableferry.spec import parse_text


def problems(text: str) -> list[Problem]:
    with pytest.raises(InvalidSpecError) as caught:
        parse_text(text)
    return list(caught.value.problems)


def test_a_document_comes_back_as_plain_values() -> None:
    assert parse_text('{"a": {"b": [1, 1.5, null, true, "é"]}}') == {
        "a": {"b": [1, 1.5, None, True, "é"]}
    }


def test_a_syntax_error_names_line_and_column() -> None:
    (problem,) = problems('{\n  "migrationId": "a",\n  "mode": plan\n}')
    assert problem.path == "$"
    assert problem.value == '"mode": plan'
    assert "line 3, column 11" in problem.rule


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("{} {}", id="two-documents"),
        pytest.param("\ufeff{}", id="byte-order-mark"),
        pytest.param('{"a": 1, // why\n "b": 2}', id="comment"),
    ],
)
def test_text_that_is_not_json_is_one_problem(text: str) -> None:
    (problem,) = problems(text)
    assert "is not JSON" in problem.rule
    assert "line" in problem.rule


def test_names_given_twice_are_all_named_by_path() -> None:
    found = problems('{"a": 1, "b": [{"c": 1, "c": 2, "d": {"e": 1, "e": 1}}], "a": 2}')
    assert [problem.path for problem in found] == ["a", "b[0].c", "b[0].d.e"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_lacks_are_refused(number: str) -> None:
    (problem,) = problems(f'{{"a": {number}}}')
    assert problem.value == number


@pytest.mark.parametrize("number", ["0.1234567890123456789", "1e999", "1e-400"])
def test_numbers_that_a_double_would_change_are_refused(number: str) -> None:
    (problem,) = problems(f'{{"a": {number}}}')
    assert problem.value == number
    assert "typed" in problem.remedy


def test_decimal_fractions_are_taken_as_they_are() -> None:
    assert parse_text('{"a": 0.1, "b": 1.50, "c": -2e3}') == {"a": 0.1, "b": 1.5, "c": -2000.0}


@pytest.mark.parametrize(
    "text", [pytest.param("[" * 50_000, id="deep"), pytest.param("9" * 5_000, id="long-number")]
)
def test_text_that_python_can_not_read_is_a_problem_not_a_crash(text: str) -> None:
    assert problems(text)


@pytest.mark.parametrize("text", ["[]", "1", '"text"', "null"])
def test_only_an_object_is_a_spec(text: str) -> None:
    (problem,) = problems(text)
    assert problem.rule == "must be a JSON object"
