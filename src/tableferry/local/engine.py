"""Starts, finds and ends the embedded engine of one project directory.

Its tables and everything else live in memory: they do not survive `stop`. The state directory
(`.tableferry/` of the project) holds `engine.json` (pid, port, boot id), `engine.lock` (held by the
running engine, so that a dead one is recognised whatever its pid means today) and `engine.log`.
"""

import fcntl
import json
import os
import signal
import time
import urllib.request
import uuid
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tableferry.errors import UnreachableError
from tableferry.local import launching
from tableferry.local.launching import REGION, local_environment

__all__ = [
    "DEFAULT_PORT",
    "REGION",
    "STATE_DIRECTORY",
    "Engine",
    "RunningEngine",
    "Worker",
    "local_environment",
]

DEFAULT_PORT = 4566
STATE_DIRECTORY = ".tableferry"
START_SECONDS = 20.0
GRACE_SECONDS = 5.0
# The launchers that this process started: reaped in `stop`, and never collected while they run.
_children: dict[Path, launching.Launched] = {}


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """Where a running engine answers; `boot_id` is another one after each start."""

    pid: int
    port: int
    boot_id: str

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that runs one Lambda function; busy while it has an invocation."""

    pid: int
    function_name: str
    is_busy: bool


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
        outlives_caller: bool = True,
        timeout_seconds: float = START_SECONDS,
    ) -> RunningEngine:
        """Start the engine and return once it answers; the running one if it runs already.

        Port 0 takes a free one. `function_environment` goes to every Lambda function, under what
        its own configuration sets. `wait_scale` multiplies the waits of state machines (0: none).
        An engine that does not outlive its caller ends with this process, however that ends (for
        tests); `leave_gaps` is for the launcher's own. UnreachableError when it can not be started.
        """
        running = self.status()
        if running is not None:
            if port in (0, running.port):
                return running
            raise UnreachableError(
                f"the engine of {self.state_directory} runs on port {running.port} already",
                hint=f"use that port, or stop it first: it can not also listen on {port}",
            )
        environment = launching.environment(function_environment or {}, wait_scale)
        arguments = ["--port", str(port), "--boot-id", uuid.uuid4().hex]
        arguments += [word for gap in leave_gaps for word in ("--leave-gap", gap)]
        self.state_directory.mkdir(parents=True, exist_ok=True)
        self._forget_child()
        child = launching.spawn(
            [*arguments, "--state-directory", str(self.state_directory)],
            environment,
            self.log_file,
            outlives_caller=outlives_caller,
        )
        _children[self.state_directory.resolve()] = child
        self._require_ready(child, timeout_seconds)
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
            _get(running, "/_ministack/health", timeout_seconds)
        except OSError as error:
            self.running()
            raise UnreachableError(
                f"the embedded engine does not answer on port {running.port}: {error}",
                hint=f"read {self.log_file}, or stop it and start it again: tableferry local down",
            ) from error
        return running

    def workers(self) -> list[Worker]:
        """The function processes of the running engine, idle ones too."""
        answer = json.loads(_get(self.running(), "/_tableferry/workers"))
        return [Worker(found["pid"], found["functionName"], found["isBusy"]) for found in answer]

    def stop(self, *, grace_seconds: float = GRACE_SECONDS) -> bool:
        """End the engine and its functions; False when none ran. All tables are gone afterwards."""
        running = self.status()
        if running is not None:
            with suppress(ProcessLookupError):
                os.kill(running.pid, signal.SIGTERM)
            self._wait_for_end(grace_seconds)
            launching.kill_group(running.pid)
            self._wait_for_end(grace_seconds)
        self._forget_child()
        self._state_file.unlink(missing_ok=True)
        return running is not None

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

    def _wait_for_end(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self._is_claimed() and time.monotonic() < deadline:
            time.sleep(0.02)

    def _forget_child(self) -> None:
        """Reap the launcher that this process started here; one that hangs is no use to anybody."""
        child = _children.pop(self.state_directory.resolve(), None)
        if child is not None:
            if child.process.poll() is None:
                launching.kill_group(child.process.pid)
            child.process.wait()
            if child.life is not None:
                os.close(child.life)

    def _require_ready(self, child: launching.Launched, seconds: float) -> None:
        """Wait for the launcher's word; UnreachableError with its reason, or the log's end."""
        message = launching.first_line(child.report, seconds)
        if message is not None and "error" not in message:
            return
        self._forget_child()
        if message is not None:
            raise UnreachableError(
                f"the embedded engine did not start: {message['error']}", hint=message["hint"]
            )
        raise UnreachableError(
            f"the embedded engine died, or did not start within {seconds:g} s; the end of "
            f"{self.log_file}:\n{self.log_tail()}",
            hint="the extra tableferry[local] brings what it needs",
        )


def _get(running: RunningEngine, path: str, timeout_seconds: float = START_SECONDS) -> bytes:
    # No proxy, whatever the environment says: the engine is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{running.endpoint_url}{path}", timeout=timeout_seconds) as response:
        content: bytes = response.read()
    return content
