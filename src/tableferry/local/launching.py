"""Starts the launcher in a session of its own, in an environment that leads to no real account."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
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


def spawn(
    arguments: list[str], environment: dict[str, str], log_file: Path
) -> tuple[subprocess.Popen[bytes], int]:
    """The launcher in a session of its own, and the descriptor on which it reports."""
    report, theirs = os.pipe()
    words = [
        sys.executable,
        "-m",
        "tableferry.local.launcher",
        "--report-fd",
        str(theirs),
        *arguments,
    ]
    try:
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                words,
                cwd=log_file.parent,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs,),
                start_new_session=True,
            )
    finally:
        os.close(theirs)
    return process, report


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
