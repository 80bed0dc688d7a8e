"""Errors of an execution come back as what they were."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tableferry.cli.refusal import error_from, problem_from
from tableferry.errors import (
    CollisionError,
    InvalidSpecError,
    MigrationError,
    PermissionMissingError,
    Problem,
)
from tableferry.runs.outcome import failure_of
from tableferry.runs.ownership import ExecutionState
from tests.unit.cli.fake_stack import lambda_failure

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
).filter(lambda value: "inf" not in repr(value))
# What our own rules and remedies are made of.
words = st.text("abc {}()'\"=,.:", min_size=1).map(str.strip).filter(bool)
paths = st.from_regex(r"[a-z]{1,9}(\.[a-z]{1,9}|\[[0-9]\]){0,3}", fullmatch=True)
problems = st.builds(Problem, paths, values, words, words)


def returned(error: Any) -> Any:
    """The error after it went through Lambda, Step Functions and DescribeExecution."""
    told = lambda_failure(error)
    state = ExecutionState("arn", "FAILED", 0, told["error"], told["cause"])
    found = failure_of(state, ())
    assert found
    return error_from(found["name"], found["cause"], found["hint"])


@given(st.lists(problems, min_size=1, max_size=4))
def test_problems_come_back_as_they_were(found: list[Problem]) -> None:
    error = returned(InvalidSpecError(found))
    assert isinstance(error, InvalidSpecError)
    assert list(error.problems) == found
    assert error.exit_status == 2


def test_value_that_looks_like_the_text_around_it() -> None:
    problem = Problem("a", "x (found 1); y", "is (found 'it') wrong", "mend it); now")
    assert problem_from(str(problem)).value == problem.value


def test_other_errors_keep_class_cause_hint_and_problems() -> None:
    problem = Problem("source", "Prefs", "is not there", "make it")
    error = returned(PermissionMissingError("refused", hint="allow it", problems=[problem]))
    assert isinstance(error, PermissionMissingError)
    assert (error.cause, error.hint) == ("refused", "allow it")
    assert error.problems == (problem,)
    assert returned(CollisionError("two keys")).exit_status == 1


def test_text_that_is_not_ours_stays_whole() -> None:
    error = error_from("States.Runtime", "it broke\n- badly: yes", "")
    assert type(error) is MigrationError
    assert problem_from("badly: yes") == Problem("$", None, "badly: yes", "")
