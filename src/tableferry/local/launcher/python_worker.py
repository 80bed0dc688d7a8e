"""Gap: Lambda workers for Python as AWS runs them.

Stock: every exception is `Runtime.HandlerError`, so that `ErrorEquals` by class name never
matches; the worker imports from the engine's own site-packages, so that a dependency missing from
the layer is not noticed; a handler that logs nothing costs 57 ms; any error ends the worker; a
worker that is killed with the engine lives on. Here: the class name, `Runtime.ExitError`,
`Sandbox.Timedout` and the runtime's own error names; only what AWS puts on the path; a marker
that ends each log; errors keep the worker warm.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

from ministack.core import lambda_runtime
from ministack.core.responses import new_uuid
from ministack.services import lambda_svc

from tableferry.local.launcher import patching, scratch
from tableferry.local.launcher.variables import HOST, function_variables
from tableferry.local.launcher.worker_process import END_OF_LOG

# AWS gives the first attempt of an init phase 10 s, and later ones the function's timeout.
INIT_SECONDS = 10.0
# How long an answer waits for the marker that ends its log.
LOG_SECONDS = 1.0

Answer = dict[str, Any]


class Environment:
    """One running worker process: its pipes, its log, and the way it ended."""

    def __init__(self, arguments: list[str], directory: Path, variables: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            arguments,
            cwd=directory,
            env=variables,
            text=True,
            encoding="utf-8",
            errors="replace",
            bufsize=1,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._answers: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        self._log: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        for pump in (self._pump_answers, self._pump_log):
            threading.Thread(target=pump, daemon=True).start()

    def ask(self, request: Answer, seconds: float) -> Answer | None:
        """The answer, or None when the process ended; TimeoutError after `seconds`."""
        deadline = time.monotonic() + seconds
        try:
            _stream(self.process.stdin).write(json.dumps(request) + "\n")
        except OSError:
            return None
        while True:
            try:
                answer = self._answers.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise TimeoutError from None
            if answer is None or answer["requestId"] == request["requestId"]:
                return answer

    def log_of(self, request_id: str) -> str:
        """What the process printed since the last call, up to the end of this request's log."""
        lines: list[str] = []
        deadline = time.monotonic() + LOG_SECONDS
        while True:
            try:
                line = self._log.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if line is None or line == END_OF_LOG + request_id:
                break
            lines.append(line)
        return "\n".join(lines)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def exit_reason(self) -> str:
        """As the Lambda service words it."""
        status = self.process.wait()
        if status == 0:
            return "Runtime exited without providing a reason"
        if status < 0:
            name = "killed" if -status == signal.SIGKILL else signal.Signals(-status).name
            return f"Runtime exited with error: signal: {name}"
        return f"Runtime exited with error: exit status {status}"

    def _pump_answers(self) -> None:
        for line in _stream(self.process.stdout):
            self._answers.put(json.loads(line))
        self._answers.put(None)

    def _pump_log(self) -> None:
        for line in _stream(self.process.stderr):
            self._log.put(line.rstrip("\n"))
        self._log.put(None)


class PythonWorker(lambda_runtime.Worker):  # type: ignore[misc]
    """An execution environment in MiniStack's pool; takes an invocation at a time."""

    _environment: Environment | None = None
    _proc: subprocess.Popen[str] | None

    def invoke(
        self,
        event: Any,
        request_id: str,
        *,
        trace_id: str | None = None,
        invoked_function_arn: str | None = None,
        **_ignored: Any,
    ) -> Answer:
        """Run the handler once; the result has MiniStack's `status`, `result`, `error_payload`,
        `log`.
        """
        with self._lock:
            is_cold = self._proc is None or self._proc.poll() is not None
            if is_cold and (failure := self._start()):
                return failure
            environment = self._environment
            assert environment is not None
            timeout = float(self.config.get("Timeout", 3))
            request = {
                "requestId": request_id,
                "event": event,
                "traceId": trace_id,
                "functionArn": invoked_function_arn or self.config.get("FunctionArn", ""),
                "deadline": time.time() + timeout,
            }
            answer = self._ask(environment, request, timeout)
            return {**answer, "cold_start": is_cold, "log": environment.log_of(request_id)}

    def _start(self) -> Answer | None:
        """Spawn the process and import the handler; the failure, or None."""
        code = scratch.unpacked(self.code_zip)
        paths, site_directories = _search_path(code, self.config)
        script = Path(__file__).with_name("worker_process.py")
        variables = _variables(self.config, code)
        environment = Environment([sys.executable, "-I", "-S", str(script)], code, variables)
        self._environment, self._proc = environment, environment.process
        init = {
            "requestId": "init",
            "path": paths,
            "siteDirectories": site_directories,
            "handler": self.config.get("Handler", ""),
        }
        answer = self._ask(
            environment, init, max(INIT_SECONDS, float(self.config.get("Timeout", 3)))
        )
        log = environment.log_of("init")
        if answer["status"] == "ready":
            return None
        self._end()
        return {**answer, "cold_start": True, "log": log}

    def _ask(self, environment: Environment, request: Answer, seconds: float) -> Answer:
        request_id = request["requestId"]
        try:
            answer = environment.ask(request, seconds)
        except TimeoutError:
            self._end()
            message = f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
            return _error("Sandbox.Timedout", message)
        if answer is None:
            reason = environment.exit_reason()
            self._end()
            return _error("Runtime.ExitError", f"RequestId: {request_id} Error: {reason}")
        if answer["status"] == "error":
            payload = {**answer["payload"], "requestId": request_id}
            return {"status": "error", "error_payload": payload}
        return answer

    def _end(self) -> None:
        environment, self._environment, self._proc = self._environment, None, None
        if environment is not None:
            environment.kill()


def close() -> None:
    stock_class_for = lambda_runtime._worker_class_for
    stock_execute = lambda_svc._execute_function_warm

    def worker_class_for(config: dict[str, Any]) -> Any:
        return PythonWorker if _is_python(config) else stock_class_for(config)

    def execute_function_warm(func: dict[str, Any], event: Any, request_id: str) -> Any:
        if _is_python(func.get("config") or func):
            # MiniStack's executor for custom runtimes passes a worker's error payload on as it is.
            return lambda_svc._execute_function_provided_warm(func, event, request_id)
        return stock_execute(func, event, request_id)

    patching.replace(lambda_runtime, "_worker_class_for", worker_class_for, digest="b5a23849280a")
    patching.replace(
        lambda_svc, "_execute_function_warm", execute_function_warm, digest="62b9218bef5b"
    )


def _is_python(config: dict[str, Any]) -> bool:
    return str(config.get("Runtime", "")).startswith("python")


def _search_path(code: Path, config: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What AWS has before the standard library: task root, /opt/python, runtime packages."""
    layers: list[str] = []
    site_directories: list[str] = []
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    # All layers are unpacked into /opt, a later one over an earlier one.
    for layer in reversed(config.get("Layers") or []):
        content = lambda_svc._resolve_layer_zip(layer)
        if not content:
            continue
        packages = scratch.unpacked(content) / "python"
        site_packages = packages / "lib" / version / "site-packages"
        if site_packages.is_dir():
            site_directories.append(str(site_packages))
        layers.append(str(packages))
    return [str(code), *layers, str(scratch.runtime_packages())], site_directories


def _variables(config: dict[str, Any], code: Path) -> dict[str, str]:
    """The environment of the function: the engine's own, then the function's, then what AWS
    reserves.
    """
    name = config.get("FunctionName", "")
    arn = str(config.get("FunctionArn", ""))
    region = arn.split(":")[3]
    port = os.environ["GATEWAY_PORT"]
    configured = (config.get("Environment") or {}).get("Variables") or {}
    log_group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
    variables = {"AWS_ENDPOINT_URL": f"http://{HOST}:{port}", **function_variables(), **configured}
    variables |= lambda_runtime.execution_credentials(config)
    variables |= {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime', '')}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
        "AWS_LAMBDA_LOG_GROUP_NAME": log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": new_uuid(),
        "LAMBDA_TASK_ROOT": str(code),
        "_HANDLER": config.get("Handler", ""),
    }
    return {key: value for key, value in variables.items() if value}


def _error(name: str, message: str) -> Answer:
    return {"status": "error", "error_payload": {"errorType": name, "errorMessage": message}}


def _stream(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
