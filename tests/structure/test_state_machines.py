"""The state machines as data: what a redrive needs, and where the embedded engine differs from AWS.

No run on a laptop would show it, so it is demanded here.
"""

import re
from itertools import combinations
from typing import Any

import pytest

from tableferry import errors
from tests.structure import project
from tests.structure.project import State

STANDARD_ERRORS = {
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "Runtime.ExitError",
    "TransientError",
}
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
AWS_ERRORS = STANDARD_ERRORS - {"TransientError"} | {
    "States.ALL",
    "States.TaskFailed",
    "States.Timeout",
    "States.ExceedToleratedFailureThreshold",
}
# Lambda's own limit; a function's timeout can not be longer.
MAX_FUNCTION_SECONDS = 900

MACHINES = project.machine_names()
STATES = project.all_states()
TASKS = [state for state in STATES if state.fields["Type"] == "Task"]
DISTRIBUTED_MAPS = [state for state in STATES if state.is_distributed_map]


def each(states: list[State]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("state", states, ids=str)


def errors_in(state: State) -> set[str]:
    handlers = [*state.fields.get("Retry", []), *state.fields.get("Catch", [])]
    return {name for handler in handlers for name in handler["ErrorEquals"]}


def substitutions_in(name: str) -> set[str]:
    return set(re.findall(r"\$\{([^}]*)\}", "\n".join(project.texts_in(project.machine(name)))))


def resource_of(name: str) -> dict[str, Any]:
    machines = project.resources("AWS::Serverless::StateMachine").values()
    file = f"statemachine/{name}.asl.json"
    [found] = [each for each in machines if each["Properties"].get("DefinitionUri") == file]
    properties: dict[str, Any] = found["Properties"]
    return properties


def test_there_are_state_machines_to_check() -> None:
    assert "migrate" in MACHINES
    assert TASKS
    assert DISTRIBUTED_MAPS


@pytest.mark.parametrize("name", MACHINES)
def test_substitutions_of_definition_and_template_are_the_same(name: str) -> None:
    assert substitutions_in(name) == set(resource_of(name)["DefinitionSubstitutions"])


@pytest.mark.parametrize("name", MACHINES)
def test_machine_says_what_it_promises_and_leaves_the_query_language_to_each_state(
    name: str,
) -> None:
    machine = project.machine(name)
    assert machine["Comment"].strip()
    assert "QueryLanguage" not in machine


@pytest.mark.parametrize("name", MACHINES)
def test_every_state_can_be_reached(name: str) -> None:
    for start, states in _levels(project.machine(name)):
        reached, pending = set(), [start]
        while pending:
            state = pending.pop()
            if state not in reached:
                reached.add(state)
                pending.extend(_next_states(states[state]))
        assert reached == set(states)


def _levels(machine: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = [(machine["StartAt"], machine["States"])]
    for fields in machine["States"].values():
        for inner in [*fields.get("Branches", []), *filter(None, [fields.get("ItemProcessor")])]:
            found.extend(_levels(inner))
    return found


def _next_states(fields: dict[str, Any]) -> list[str]:
    choices = [*fields.get("Choices", []), *fields.get("Catch", []), fields]
    return [choice[key] for choice in choices for key in ("Next", "Default") if key in choice]


@each(STATES)
def test_state_has_a_comment(state: State) -> None:
    assert state.fields.get("Comment", "").strip()


@each([state for state in STATES if state.fields["Type"] == "Choice"])
def test_choice_is_a_question(state: State) -> None:
    assert state.name.endswith("?")


@pytest.mark.parametrize("name", MACHINES)
def test_no_two_states_beside_each_other_differ_by_half_a_word(name: str) -> None:
    for one, other in combinations(project.states(name), 2):
        if one.level == other.level:
            assert not _differ_by_half_a_word(one.name, other.name), f"{one} and {other}"


def _differ_by_half_a_word(one: str, other: str) -> bool:
    words, others = project.words_of(one), project.words_of(other)
    if len(words) != len(others):
        return False
    pairs = [(a, b) for a, b in zip(words, others, strict=True) if a != b]
    return not pairs or (len(pairs) == 1 and _share_half(*pairs[0]))


def _share_half(one: str, other: str) -> bool:
    longest = max(len(one), len(other))
    shared = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    return (min(len(one), len(other)) if shared is None else shared) * 2 > longest


def test_names_that_differ_by_half_a_word_are_recognised() -> None:
    assert _differ_by_half_a_word("CopySegment", "CopySegments")
    assert _differ_by_half_a_word("Verified?", "Verifying")
    assert not _differ_by_half_a_word("CopySegments", "CleanSegments")
    assert not _differ_by_half_a_word("PlanSegments", "PlanSegmentsAgain")


@each(TASKS)
def test_task_has_the_one_standard_retrier_and_no_other(state: State) -> None:
    [retrier] = state.fields["Retry"]
    assert set(retrier["ErrorEquals"]) == STANDARD_ERRORS
    assert retrier == TASKS[0].fields["Retry"][0]
    assert retrier["JitterStrategy"] == "FULL"
    assert retrier["BackoffRate"] > 1
    assert retrier["MaxDelaySeconds"] > retrier["IntervalSeconds"]


@each(TASKS)
def test_task_times_out_and_not_before_its_function(state: State) -> None:
    seconds = state.fields["TimeoutSeconds"]
    assert isinstance(seconds, int)
    for function in functions_called_by(state):
        assert seconds > function_seconds(function)


def functions_called_by(state: State) -> set[str]:
    """Logical ids of the functions whose ARN stands in the state."""
    names = re.findall(r"\$\{(\w+Function)Arn\}", "\n".join(project.texts_in(state.fields)))
    return set(names)


def function_seconds(logical_id: str) -> int:
    """The longest timeout that the template lets this function have."""
    defaults = project.template()["Globals"]["Function"]
    properties = project.resources("AWS::Serverless::Function")[logical_id]["Properties"]
    seconds = properties.get("Timeout", defaults["Timeout"])
    if isinstance(seconds, dict):
        seconds = project.template()["Parameters"][seconds["Ref"]].get("MaxValue")
    return int(seconds or MAX_FUNCTION_SECONDS)


@each([state for state in STATES if errors_in(state)])
def test_error_names_are_tableferrys_or_those_of_aws(state: State) -> None:
    for name in errors_in(state) - AWS_ERRORS:
        assert issubclass(getattr(errors, name), errors.TableferryError)


@each(STATES)
def test_retry_names_its_errors(state: State) -> None:
    for retrier in state.fields.get("Retry", []):
        assert "States.ALL" not in retrier["ErrorEquals"]


@each([state for state in STATES if state.machine == "migrate"])
def test_migrate_catches_nothing_so_that_a_redrive_starts_the_state_that_failed(
    state: State,
) -> None:
    assert "Catch" not in state.fields
    assert state.fields["Type"] != "Fail"


def test_no_state_that_catches_ends_the_machine() -> None:
    assert not [str(state) for state in STATES if {"Catch", "End"} <= set(state.fields)]


@each(DISTRIBUTED_MAPS)
def test_distributed_map_tolerates_no_failure_and_never_starts_over(state: State) -> None:
    assert "Retry" not in state.fields
    assert not [field for field in state.fields if field.startswith("ToleratedFailure")]


@each(DISTRIBUTED_MAPS)
def test_distributed_map_is_bounded_named_and_keeps_its_results_in_s3(state: State) -> None:
    assert 0 < len(state.fields["Label"]) <= 40
    assert state.fields["MaxConcurrencyPath"].startswith("$.")
    assert state.fields["ResultWriter"]["Resource"] == "arn:aws:states:::s3:putObject"
    assert state.fields["ItemProcessor"]["ProcessorConfig"]["ExecutionType"] == "STANDARD"
    assert "ItemBatcher" not in state.fields


@each(DISTRIBUTED_MAPS)
def test_distributed_map_is_in_json_path_which_both_engines_read(state: State) -> None:
    assert state.fields.get("QueryLanguage", "JSONPath") == "JSONPath"


@pytest.mark.parametrize("name", MACHINES)
def test_labels_of_distributed_maps_are_unique(name: str) -> None:
    labels = [state.fields["Label"] for state in project.states(name) if state.is_distributed_map]
    assert len(labels) == len(set(labels))


@each([state for state in STATES if state.is_in_distributed_map and "End" in state.fields])
def test_child_ends_in_an_empty_result(state: State) -> None:
    # Outputs over 256 KiB together would fail the Map after all children succeeded.
    assert state.fields["Type"] == "Pass"
    assert state.fields["Result"] == {}


@each([state for state in STATES if state.is_in_distributed_map])
def test_child_takes_its_owner_from_its_input(state: State) -> None:
    # On AWS a child's Execution is its own; in the embedded engine it is its parent's.
    for text in project.texts_in(state.fields):
        assert "$$.Execution" not in text
        assert "$states.context.Execution" not in text


@each([state for state in STATES if state.is_in_distributed_map])
def test_child_reads_no_variable_of_its_parent(state: State) -> None:
    # AWS gives a child of a distributed Map none; the embedded engine does.
    beside = [each.fields.get("Assign", {}) for each in STATES if each.level == state.level]
    own = {name for assigned in beside for name in assigned}
    used = {
        name
        for text in project.texts_in(state.fields)
        for expression in re.findall(r"\{%(.*?)%\}", text, re.DOTALL)
        for name in re.findall(r"\$([a-z]\w*)\b(?!\()", expression)
    }
    assert used <= own | {"states"} | _bound_inside(state)


def _bound_inside(state: State) -> set[str]:
    """Names that an expression binds itself: `$x := …` and the parameters of its functions."""
    text = "\n".join(project.texts_in(state.fields))
    parameters = re.findall(r"function\(([^)]*)\)", text)
    return set(re.findall(r"\$(\w+)\s*:=", text)) | {
        name for each in parameters for name in re.findall(r"\$(\w+)", each)
    }


def test_results_are_shaped_where_the_embedded_engine_does_so_too() -> None:
    for state in STATES:
        if state.fields["Type"] in ("Succeed", "Parallel"):
            assert not {"Output", "Arguments"} & set(state.fields), state


@pytest.mark.parametrize("name", MACHINES)
def test_role_may_redrive_the_children_of_its_distributed_maps(name: str) -> None:
    if any(state.is_distributed_map for state in project.states(name)):
        texts = set(project.texts_in(resource_of(name)))
        assert {"states:StartExecution", "states:RedriveExecution"} <= texts
