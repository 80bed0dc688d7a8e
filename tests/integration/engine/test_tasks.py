"""Tasks fail with AWS's limits and error names."""

import pytest

from tests.integration.engine.lab import Lab, machine_of, task

gap = pytest.mark.gap("tasks")


@gap
def test_result_over_the_limit_fails_and_nothing_catches_it(lab: Lab) -> None:
    function = lab.function("def handler(event, context): return 'x' * event")
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    caught = {"Type": "Pass", "Result": "caught", "End": True}
    length = "{% $length($states.result.Payload) %}"
    states = machine_of(Big=task(function, Output=length, Catch=catch), Caught=caught)
    assert lab.run(states, 262_000).status == "SUCCEEDED"
    ended = lab.run(states, 263_000)
    assert (ended.status, ended.error) == ("FAILED", "States.DataLimitExceeded")


@gap
def test_throttled_invocation_is_named_as_on_aws(lab: Lab) -> None:
    function = lab.function("def handler(event, context): return 1")
    lab.functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    assert lab.run(machine_of(Try=task(function))).error == "Lambda.TooManyRequestsException"


@gap
def test_input_over_the_limit_fails_before_the_function_is_called(lab: Lab) -> None:
    function = lab.function("def handler(event, context): return len(event)")
    big = {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": function, "Payload": "{% $pad('x', 263000) %}"},
        "Output": "{% $states.result.Payload %}",
        "End": True,
    }
    assert lab.run(machine_of(Big=big)).error == "States.DataLimitExceeded"
