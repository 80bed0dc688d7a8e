"""Starts the launcher in a session of its own, in an environment that leads to no real account."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tableferry.errors

REGION = "us-east-1"
# What the engine and its functions may see of the caller's environment: never a profile or a
# credential.
PASSED_VARIABLES = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")


def local_environment(port: int) -> dict[str, str]:
    """The variables with which AWS tools and SDKs talk to the engine on `port`, and to nothing
    else.
    """
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def environment(
    function_environment: Mapping[str, str], wait_scale: float | None
) -> dict[str, str]:
    variables = {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ}
    variables["PYTHONPATH"] = str(Path(tableferry.errors.__file__).parents[1])
    variables |= {"TZ": ":UTC", "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
    # The functions get the endpoint from the launcher, which knows the port.
    variables |= {
        key: value for key, value in local_environment(0).items() if key != "AWS_ENDPOINT_URL"
    }
    if wait_scale is not None:
        variables["SFN_WAIT_SCALE"] = str(wait_scale)
    return variables | dict(function_environment)


@dataclass(frozen=True, slots=True)
class Launched:
    """A launcher's process, the descriptor on which it reports, and the one that it lives by."""

    process: subprocess.Popen[bytes]
    report: int
    life: int | None


def spawn(
    arguments: list[str], variables: dict[str, str], log_file: Path, *, outlives_caller: bool
) -> Launched:
    """The launcher in a session of its own; unless it outlives the caller, it ends with it."""
    report, theirs = os.pipe()
    given = [theirs]
    words = [sys.executable, "-m", "tableferry.local.launcher", "--report-fd", str(theirs)]
    life = None
    if not outlives_caller:
        lives_by, life = os.pipe()
        given.append(lives_by)
        words += ["--life-fd", str(lives_by)]
    try:
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [*words, *arguments],
                cwd=log_file.parent,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=given,
                start_new_session=True,
            )
    finally:
        for descriptor in given:
            os.close(descriptor)
    return Launched(process, report, life)


def first_line(report: int, seconds: float) -> dict[str, Any] | None:
    """The message on the descriptor, which is closed; None when it ended or `seconds` passed
    without one.
    """
    with os.fdopen(report) as stream:
        if not select.select([stream], [], [], seconds)[0]:
            return None
        line = stream.readline()
    message: dict[str, Any] | None = json.loads(line) if line else None
    return message


def kill_group(pid: int) -> None:
    """Kill what is left of the process group that `pid` leads: workers that outlived it, or it
    itself.
    """
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
