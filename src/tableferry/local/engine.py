"""Starts, finds and ends the embedded engine of one project directory.

Its tables and everything else live in memory: they do not survive `stop`. The state directory
(`.tableferry/` of the project) holds `engine.json` (pid, port, boot id), `engine.lock` (held by the
running engine, so that a dead one is recognised whatever its pid means today) and `engine.log`.
"""

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tableferry.errors
from tableferry.errors import UnreachableError

DEFAULT_PORT = 4566
REGION = "us-east-1"
STATE_DIRECTORY = ".tableferry"
START_SECONDS = 20.0
GRACE_SECONDS = 5.0
# What the engine and its functions may see of the caller's environment: never a profile or a
# credential.
PASSED_VARIABLES = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")

# The launchers that this process started: reaped in `stop`, and never collected while they run.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """Where a running engine answers; `boot_id` is another one after each start."""

    pid: int
    port: int
    boot_id: str

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Engine:
    """The one engine of a state directory."""

    def __init__(self, state_directory: Path) -> None:
        self.state_directory = state_directory
        self.log_file = state_directory / "engine.log"
        self._state_file = state_directory / "engine.json"
        self._lock_file = state_directory / "engine.lock"

    @classmethod
    def of_project(cls, project: Path) -> "Engine":
        """The engine whose state lies in the project's `.tableferry/`."""
        return cls(project / STATE_DIRECTORY)

    def start(
        self,
        *,
        port: int = 0,
        function_environment: Mapping[str, str] | None = None,
        wait_scale: float | None = None,
        leave_gaps: Collection[str] = (),
        timeout_seconds: float = START_SECONDS,
    ) -> RunningEngine:
        """Start the engine and return once it answers; the running one if it runs already.

        Port 0 takes a free one. `function_environment` goes to every Lambda function, under what
        its own configuration sets. `wait_scale` multiplies the waits of state machines (0: none),
        `leave_gaps` is for the launcher's own tests. Raises UnreachableError when it can not be
        started.
        """
        running = self.status()
        if running is not None:
            if port in (0, running.port):
                return running
            raise UnreachableError(
                f"the engine of {self.state_directory} runs on port {running.port} already",
                hint=f"use that port, or stop it first: it can not also listen on {port}",
            )
        self.state_directory.mkdir(parents=True, exist_ok=True)
        boot_id = uuid.uuid4().hex
        environment = _engine_environment(function_environment or {}, wait_scale)
        arguments = [
            "--port",
            str(port),
            "--state-directory",
            str(self.state_directory),
            "--boot-id",
            boot_id,
        ]
        arguments += [word for gap in leave_gaps for word in ("--leave-gap", gap)]
        process, report = _spawn(arguments, environment, self.log_file)
        message = _first_line(report, timeout_seconds)
        if message is None or "error" in message:
            _kill_group(process.pid)
            process.wait()
            raise self._start_failure(message, timeout_seconds)
        _children[process.pid] = process
        return self.wait_ready()

    def status(self) -> RunningEngine | None:
        """The running engine, or None; what a dead one left behind does not count."""
        if not self._is_claimed():
            return None
        try:
            state = json.loads(self._state_file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return RunningEngine(state["pid"], state["port"], state["bootId"])

    def running(self) -> RunningEngine:
        """The running engine; UnreachableError says whether it was never started or died."""
        running = self.status()
        if running is not None:
            return running
        if self._state_file.exists():
            raise UnreachableError(
                f"the embedded engine died; the end of {self.log_file}:\n{self.log_tail()}",
                hint="start it again: tableferry local up (its tables are gone)",
            )
        raise UnreachableError(
            "the embedded engine is not running", hint="start it: tableferry local up"
        )

    def wait_ready(self, timeout_seconds: float = START_SECONDS) -> RunningEngine:
        """The running engine, once it answers a request; UnreachableError when it does not."""
        running = self.running()
        try:
            with urllib.request.urlopen(
                f"{running.endpoint_url}/_ministack/health", timeout=timeout_seconds
            ) as response:
                response.read()
        except OSError as error:
            self.running()
            raise UnreachableError(
                f"the embedded engine does not answer on port {running.port}: {error}",
                hint=f"read {self.log_file}, or stop it and start it again: tableferry local down",
            ) from error
        return running

    def stop(self, *, grace_seconds: float = GRACE_SECONDS) -> bool:
        """End the engine and its functions; False when none ran. All tables are gone afterwards."""
        running = self.status()
        if running is None:
            self._state_file.unlink(missing_ok=True)
            return False
        with suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGTERM)
        self._wait_for_end(running.pid, grace_seconds)
        _kill_group(running.pid)
        child = _children.pop(running.pid, None)
        if child is not None:
            child.wait()
        self._wait_for_end(running.pid, grace_seconds)
        self._state_file.unlink(missing_ok=True)
        return True

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of the engine's log."""
        try:
            return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""

    def _is_claimed(self) -> bool:
        try:
            with self._lock_file.open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def _wait_for_end(self, pid: int, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self._is_claimed() and time.monotonic() < deadline:
            child = _children.get(pid)
            if child is not None:
                child.poll()
            time.sleep(0.02)

    def _start_failure(self, message: dict[str, Any] | None, seconds: float) -> UnreachableError:
        if message is not None:
            return UnreachableError(
                f"the embedded engine did not start: {message['error']}", hint=message["hint"]
            )
        return UnreachableError(
            f"the embedded engine died, or did not start within {seconds:g} s; the end of "
            f"{self.log_file}:\n{self.log_tail()}",
            hint="the extra tableferry[local] brings what it needs",
        )


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


def _engine_environment(
    function_environment: Mapping[str, str], wait_scale: float | None
) -> dict[str, str]:
    environment = {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ}
    environment["PYTHONPATH"] = str(Path(tableferry.errors.__file__).parents[1])
    environment |= {"TZ": ":UTC", "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
    # The functions get the endpoint from the launcher, which knows the port.
    environment |= {
        key: value for key, value in local_environment(0).items() if key != "AWS_ENDPOINT_URL"
    }
    if wait_scale is not None:
        environment["SFN_WAIT_SCALE"] = str(wait_scale)
    return environment | dict(function_environment)


def _spawn(
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


def _first_line(report: int, seconds: float) -> dict[str, Any] | None:
    """The message on the descriptor, which is closed; None when it ended or `seconds` passed
    without one.
    """
    with os.fdopen(report) as stream:
        if not select.select([stream], [], [], seconds)[0]:
            return None
        line = stream.readline()
    message: dict[str, Any] | None = json.loads(line) if line else None
    return message


def _kill_group(pid: int) -> None:
    """Kill what is left of the process group that `pid` leads: workers that outlived it, or it
    itself.
    """
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
