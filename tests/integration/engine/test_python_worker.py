"""Lambda functions fail, import and log as they do on AWS."""

import os
import time
from pathlib import Path

import pytest

from tests.integration.engine.lab import Lab, machine_of, task

gap = pytest.mark.gap("python-worker")

RAISES = """
class TransientError(Exception): pass
def handler(event, context):
    raise TransientError("try again")
"""
DIES = """
import os
def handler(event, context):
    os.kill(os.getpid(), 9)
"""


@gap
def test_exception_is_named_by_its_class(lab: Lab) -> None:
    answer = lab.failure(lab.function(RAISES))
    assert (answer["errorType"], answer["errorMessage"]) == ("TransientError", "try again")
    assert 'raise TransientError("try again")' in answer["stackTrace"][-1]


@gap
def test_retrier_matches_the_class_name(lab: Lab, log: Path) -> None:
    function = lab.function(
        "class TransientError(Exception): pass\n"
        "def handler(event, context):\n"
        "    with open(event, 'a+') as log:\n"
        "        log.write('x')\n"
        "        log.seek(0)\n"
        "        if len(log.read()) < 3: raise TransientError\n"
        "    return 'third time'\n"
    )
    retry = [{"ErrorEquals": ["TransientError"], "IntervalSeconds": 1, "MaxAttempts": 2}]
    ended = lab.run(machine_of(Try=task(function, Retry=retry)), str(log))
    assert (ended.status, ended.output) == ("SUCCEEDED", "third time")


@gap
def test_killed_worker_is_an_exit_error(lab: Lab) -> None:
    function = lab.function(DIES)
    assert lab.failure(function)["errorType"] == "Runtime.ExitError"
    ended = lab.run(machine_of(Die=task(function)))
    assert (ended.status, ended.error) == ("FAILED", "Runtime.ExitError")
    assert "signal: killed" in ended.description["cause"]


@gap
def test_handler_that_exits_is_an_exit_error(lab: Lab) -> None:
    answer = lab.failure(lab.function("import sys\ndef handler(event, context): sys.exit(3)"))
    assert answer["errorType"] == "Runtime.ExitError"
    assert answer["errorMessage"].endswith("exit status 3")


def test_function_timeout_is_named_as_on_aws(lab: Lab) -> None:
    function = lab.function(
        "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'slept'",
        Timeout=1,
    )
    ended = lab.run(machine_of(Sleep=task(function)), 30)
    assert (ended.status, ended.error) == ("FAILED", "Sandbox.Timedout")
    assert lab.invoke(function, 0) == "slept"


@gap
def test_packages_of_the_engine_are_hidden(lab: Lab) -> None:
    answer = lab.failure(lab.function("import click\ndef handler(event, context): return 1"))
    assert answer["errorType"] == "Runtime.ImportModuleError"
    assert answer["errorMessage"] == "Unable to import module 'app': No module named 'click'"


@gap
def test_project_itself_is_hidden(lab: Lab) -> None:
    answer = lab.failure(lab.function("import tableferry\ndef handler(event, context): return 1"))
    assert answer["errorType"] == "Runtime.ImportModuleError"


def test_runtime_brings_the_sdk(lab: Lab) -> None:
    function = lab.function(
        "import boto3, botocore, dateutil, jmespath, s3transfer, six, urllib3\n"
        "def handler(event, context):\n"
        "    return boto3.client('sts').get_caller_identity()['Account']\n"
    )
    assert lab.invoke(function) == "000000000000"


def test_layers_are_importable_and_the_later_one_wins(lab: Lab) -> None:
    version = "python" + lab.engine_python
    layers = [
        lab.layer({"python/one.py": "value = 1", "python/both.py": "value = 'first'"}),
        lab.layer(
            {
                "python/both.py": "value = 'second'",
                f"python/lib/{version}/site-packages/deep.py": "value = 3",
            }
        ),
    ]
    function = lab.function(
        "import one, both, deep\n"
        "def handler(event, context): return [one.value, both.value, deep.value]",
        Layers=layers,
    )
    assert lab.invoke(function) == [1, "second", 3]


@gap
def test_silent_handler_does_not_wait_for_a_log(lab: Lab) -> None:
    function = lab.function("def handler(event, context): return 1")
    lab.invoke(function)
    seconds = []
    for _ in range(10):
        started = time.perf_counter()
        lab.invoke(function)
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.045


@gap
def test_error_leaves_the_environment_warm(lab: Lab) -> None:
    function = lab.function(
        "import os\n"
        "def handler(event, context):\n"
        "    if event: raise ValueError\n"
        "    return os.getpid()\n"
    )
    process = lab.invoke(function, 0)
    lab.failure(function, 1)
    assert lab.invoke(function, 0) == process


@gap
def test_answer_over_the_limit_is_refused(lab: Lab) -> None:
    function = lab.function("def handler(event, context): return 'x' * event")
    assert lab.invoke(function, 6_291_000) == "x" * 6_291_000
    assert lab.failure(function, 6_291_556)["errorType"] == "Function.ResponseSizeTooLarge"


def test_log_is_complete_and_in_order(lab: Lab) -> None:
    function = lab.function(
        "import sys\n"
        "def handler(event, context):\n"
        "    for number in range(2000):\n"
        "        print(f'line {number}', file=sys.stderr if number % 2 else sys.stdout)\n"
    )
    lab.invoke(function)
    logs = lab.client("logs")
    group = f"/aws/lambda/{function}"
    stream = logs.describe_log_streams(logGroupName=group)["logStreams"][0]["logStreamName"]
    events = logs.get_log_events(
        logGroupName=group, logStreamName=stream, startFromHead=True, limit=10_000
    )["events"]
    messages = [event["message"] for event in events]
    assert [text for text in messages if text.startswith("line")] == [
        f"line {number}" for number in range(2000)
    ]


def test_function_sees_nothing_of_the_callers_environment(lab: Lab) -> None:
    function = lab.function("import os\ndef handler(event, context): return dict(os.environ)")
    seen = lab.invoke(function)
    assert seen["AWS_ENDPOINT_URL"] == lab.engine.endpoint_url
    assert seen["TZ"] == ":UTC"
    assert "PYTEST_CURRENT_TEST" not in seen
    assert not {"HOME", "USER", "PYTHONPATH", "VIRTUAL_ENV"} & set(seen)
    assert "PYTEST_CURRENT_TEST" in os.environ


def test_function_knows_itself_and_its_deadline(lab: Lab) -> None:
    function = lab.function(
        "def handler(event, context):\n"
        "    return [context.function_name, context.memory_limit_in_mb,\n"
        "            context.invoked_function_arn, context.get_remaining_time_in_millis()]\n",
        MemorySize=512,
        Timeout=7,
    )
    name, memory, arn, left = lab.invoke(function)
    assert (name, memory) == (function, "512")
    assert arn.endswith(f":function:{function}")
    assert 6_000 < left <= 7_000
