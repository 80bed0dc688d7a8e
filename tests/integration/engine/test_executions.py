"""Executions are redriven, stopped and limited as on AWS."""

import json
import time
from pathlib import Path

import pytest

from tests.integration.engine.lab import Lab, TooLateError, lines, machine_of, task

gap = pytest.mark.gap("executions")

# Notes its input; fails until the file that its input names is there.
NOTES = """
import json, os
class NotYetError(Exception): pass
def handler(event, context):
    with open(event["log"], "a") as log:
        log.write(json.dumps([event["step"], event["needs"]]) + "\\n")
    if event["needs"] and not os.path.exists(event["needs"]):
        raise NotYetError(event["needs"])
    return {**event, "step": event["step"] + 1}
"""
# Notes when it begins, and goes on when the file is there (ten seconds at most).
BLOCKS = """
import os, time
def handler(event, context):
    with open(event["log"], "a") as log: log.write("began\\n")
    deadline = time.monotonic() + 10
    while not os.path.exists(event["gate"]) and time.monotonic() < deadline: time.sleep(0.01)
    with open(event["log"], "a") as log: log.write("ended\\n")
    return event
"""


def not_redrivable(lab: Lab, arn: str) -> str:
    try:
        lab.states.redrive_execution(executionArn=arn)
    except lab.states.exceptions.ExecutionNotRedrivable as error:
        return str(error.response["Error"]["Message"])
    raise AssertionError("the redrive was accepted")


@gap
def test_redrive_runs_the_failed_state_again_with_its_input(lab: Lab, log: Path) -> None:
    function = lab.function(NOTES)
    steps = machine_of(First=task(function, Next="Second"), Second=task(function))
    mended = log.with_name("mended")
    # The second step needs what the first does not.
    steps["States"]["First"]["Output"] = (
        "{% $merge([$states.result.Payload, {'needs': $states.input.later}]) %}"
    )
    first_input = {"log": str(log), "step": 1, "needs": "", "later": str(mended)}
    failed = lab.run(steps, first_input)
    assert (failed.status, failed.error) == ("FAILED", "NotYetError")
    assert failed.description["redriveStatus"] == "REDRIVABLE"
    mended.touch()
    lab.states.redrive_execution(executionArn=failed.arn)
    ended = lab.ended(failed.arn)
    assert (ended.status, ended.output["step"]) == ("SUCCEEDED", 3)
    assert [json.loads(line)[0] for line in lines(log)] == [1, 2, 2]
    assert ended.description["redriveCount"] == 1
    assert ended.description["redriveStatus"] == "NOT_REDRIVABLE"
    assert ended.description["redriveDate"] > ended.description["startDate"]
    assert lab.history(ended.arn)[-6:] == [
        "ExecutionFailed",
        "ExecutionRedriven",
        "TaskScheduled",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]


@gap
def test_redrive_of_a_running_or_succeeded_execution_is_refused(lab: Lab, log: Path) -> None:
    gate = log.with_name("gate")
    machine = lab.machine(machine_of(Block=task(lab.function(BLOCKS))))
    arn = lab.start(machine, {"log": str(log), "gate": str(gate)})
    assert not_redrivable(lab, arn) == "Execution is RUNNING and cannot be redriven"
    gate.touch()
    assert lab.ended(arn).status == "SUCCEEDED"
    assert not_redrivable(lab, arn) == "Execution is SUCCEEDED and cannot be redriven"


@gap
def test_redrive_is_idempotent_by_its_token(lab: Lab, log: Path) -> None:
    function = lab.function(NOTES)
    failed = lab.run(
        machine_of(Only=task(function)), {"log": str(log), "step": 1, "needs": "/never"}
    )
    dates = []
    for _ in range(2):
        answer = lab.states.redrive_execution(executionArn=failed.arn, clientToken="one")
        dates.append(answer["redriveDate"])
        lab.ended(failed.arn)
    assert dates[0] == dates[1]
    assert lab.ended(failed.arn).description["redriveCount"] == 1


@gap
def test_redrive_uses_the_definition_that_the_execution_began_with(lab: Lab, log: Path) -> None:
    mended = log.with_name("mended")
    old = machine_of(Only=task(lab.function(NOTES)))
    machine = lab.machine(old)
    execution = lab.start(machine, {"log": str(log), "step": 1, "needs": str(mended)})
    assert lab.ended(execution).status == "FAILED"
    new = machine_of(Only={"Type": "Pass", "Result": "another definition", "End": True})
    lab.states.update_state_machine(stateMachineArn=machine, definition=json.dumps(new))
    mended.touch()
    lab.states.redrive_execution(executionArn=execution)
    assert lab.ended(execution).output["step"] == 2


@gap
def test_variables_survive_a_redrive(lab: Lab, log: Path) -> None:
    mended = log.with_name("mended")
    remember = {
        "Type": "Pass",
        "QueryLanguage": "JSONata",
        "Assign": {"kept": "{% $states.input.step %}"},
        "Next": "Work",
    }
    work = task(lab.function(NOTES), Output="{% $kept %}")
    states = machine_of(Remember=remember, Work=work)
    failed = lab.run(states, {"log": str(log), "step": 7, "needs": str(mended)})
    mended.touch()
    lab.states.redrive_execution(executionArn=failed.arn)
    assert lab.ended(failed.arn).output == 7


@gap
def test_stopped_execution_is_redrivable_and_its_old_run_adds_nothing(lab: Lab, log: Path) -> None:
    gate = log.with_name("gate")
    machine = lab.machine(machine_of(Block=task(lab.function(BLOCKS))))
    arn = lab.start(machine, {"log": str(log), "gate": str(gate)})
    lab.until(lambda: lines(log))
    lab.states.stop_execution(executionArn=arn, error="Stopped", cause="by hand")
    stopped = lab.ended(arn)
    assert (stopped.status, stopped.description["redriveStatus"]) == ("ABORTED", "REDRIVABLE")
    lab.states.redrive_execution(executionArn=arn)
    lab.until(lambda: len(lines(log)) == 2)
    gate.touch()
    ended = lab.ended(arn)
    assert ended.status == "SUCCEEDED"
    assert "error" not in ended.description
    # Both invocations end; the first one's end is nobody's business any more.
    lab.until(lambda: len(lines(log)) == 4)
    history = lab.history(arn)
    assert history.count("TaskScheduled") == 2
    assert history.count("TaskSucceeded") == 1
    assert history[-1] == "ExecutionSucceeded"


@gap
def test_stopped_execution_starts_no_further_state(lab: Lab, log: Path) -> None:
    function = lab.function(
        "import time\n"
        "def handler(event, context):\n"
        "    with open(event, 'a') as log: log.write('turn\\n')\n"
        "    time.sleep(0.02)\n"
        "    return event\n"
    )
    loop = {"Type": "Wait", "Seconds": 0, "Next": "Turn"}
    arn = lab.start(
        lab.machine(machine_of(Turn=task(function, Next="Again"), Again=loop)), str(log)
    )
    lab.until(lambda: len(lines(log)) > 3)
    lab.states.stop_execution(executionArn=arn)
    turns = len(lines(log))
    time.sleep(0.3)
    # One more may have been invoked already.
    assert len(lines(log)) <= turns + 1
    assert lab.ended(arn).description["redriveStatus"] == "REDRIVABLE"


@gap
def test_status_event_tells_of_redrives(lab: Lab, log: Path) -> None:
    queues, events = lab.client("sqs"), lab.client("events")
    queue = queues.create_queue(QueueName=log.parent.name)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    machine = lab.machine(machine_of(Only=task(lab.function(NOTES))))
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [machine]}}
    events.put_rule(Name=log.parent.name, EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": arn["Attributes"]["QueueArn"]}
    events.put_targets(Rule=log.parent.name, Targets=[target])
    execution = lab.start(machine, {"log": str(log), "step": 1, "needs": "/never"})
    lab.ended(execution)
    lab.states.redrive_execution(executionArn=execution)
    lab.ended(execution)
    seen: list[tuple[str, int, str]] = []

    def all_seen() -> bool:
        answer = queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            detail = json.loads(message["Body"])["detail"]
            seen.append((detail["status"], detail["redriveCount"], detail["redriveStatus"]))
            queues.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return len(seen) == 4

    lab.until(all_seen)
    assert sorted(seen) == [
        ("FAILED", 0, "REDRIVABLE"),
        ("FAILED", 1, "REDRIVABLE"),
        ("RUNNING", 0, "NOT_REDRIVABLE"),
        ("RUNNING", 1, "NOT_REDRIVABLE"),
    ]


@gap
def test_output_of_a_state_over_the_limit_fails_the_execution(lab: Lab) -> None:
    big = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $pad('x', 263000) %}"}
    small = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "small", "End": True}
    ended = lab.run(machine_of(Big={**big, "Next": "Small"}, Small=small))
    assert (ended.status, ended.error) == ("FAILED", "States.DataLimitExceeded")


@gap
def test_history_over_the_limit_fails_the_execution(lab: Lab) -> None:
    turn = {"Type": "Pass", "Next": "Again"}
    arn = lab.start(lab.machine(machine_of(Turn=turn, Again={"Type": "Pass", "Next": "Turn"})))
    try:
        ended = lab.ended(arn)
    except TooLateError:
        lab.states.stop_execution(executionArn=arn)
        raise
    assert (ended.status, ended.error) == ("FAILED", "States.Runtime")
    assert "history events" in ended.description["cause"]
    assert not_redrivable(lab, ended.arn) == "Execution is FAILED and cannot be redriven"
