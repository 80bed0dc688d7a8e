"""One Lambda execution environment: imports the handler once and answers invocations, a JSON line
each.

Runs as `python -I -S worker_process.py`, so that only the standard library and what the first line
of standard input names is importable: the function's code, its layers, and the packages that the
Lambda runtime brings. Error names, payloads and their limit are those of the Lambda runtime
interface client (aws/aws-lambda-python-runtime-interface-client, bootstrap.py). Whatever the
handler prints goes to standard error; a line that begins with END_OF_LOG closes each answer's log.
"""

import importlib
import json
import os
import queue
import site
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

END_OF_LOG = "\x1e"
MAX_RESPONSE_BYTES = 6_291_556


class Context:
    """What the runtime passes as `context`."""

    identity = None
    client_context = None

    def __init__(self, request_id: str, function_arn: str, deadline: float) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = function_arn
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.time()) * 1000))

    def log(self, message: object) -> None:
        sys.stdout.write(str(message))


def main() -> None:
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    answers = _take_standard_streams()
    threading.Thread(target=_read_requests, args=(requests,), daemon=True).start()
    init = requests.get()
    handler, failure = _load_handler(init)
    _answer(answers, "init", failure or {"status": "ready"})
    if handler is None:
        return
    while True:
        request = requests.get()
        _answer(answers, request["requestId"], _invoke(handler, request))


def _take_standard_streams() -> int:
    """Keep standard output for the answers alone; what anybody prints goes to standard error."""
    answers = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = open(  # noqa: SIM115 - for the whole life of the process
        1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )
    sys.stderr.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return answers


def _read_requests(requests: "queue.SimpleQueue[dict[str, Any]]") -> None:
    for line in sys.stdin:
        requests.put(json.loads(line))
    # The engine is gone: a handler that is in the middle of something must not outlive it.
    os._exit(0)


def _load_handler(init: dict[str, Any]) -> tuple[Callable[..., Any] | None, dict[str, Any] | None]:
    sys.path[:0] = init["path"]
    for directory in init["siteDirectories"]:
        site.addsitedir(directory)
    module_name, _, name = str(init["handler"]).rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        return None, _failure("Runtime.ImportModuleError", message, error)
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error}"
        return None, _failure("Runtime.UserCodeSyntaxError", message, error)
    except Exception as error:
        return None, _failure(type(error).__name__, str(error), error)
    handler = getattr(module, name, None)
    if handler is None:
        message = f"Handler '{name}' missing on module '{module_name}'"
        return None, _failure("Runtime.HandlerNotFound", message, None)
    return handler, None


def _invoke(handler: Callable[..., Any], request: dict[str, Any]) -> dict[str, Any]:
    if request["traceId"]:
        os.environ["_X_AMZN_TRACE_ID"] = request["traceId"]
    context = Context(request["requestId"], request["functionArn"], request["deadline"])
    try:
        result = handler(request["event"], context)
    except Exception as error:
        return _failure(type(error).__name__, str(error), error)
    try:
        size = len(json.dumps(result, ensure_ascii=False).encode())
    except (TypeError, ValueError) as error:
        return _failure("Runtime.MarshalError", f"Unable to marshal response: {error}", error)
    if size > MAX_RESPONSE_BYTES:
        message = (
            f"Response payload size ({size} bytes) exceeded maximum allowed payload size "
            f"({MAX_RESPONSE_BYTES} bytes)."
        )
        return _failure("Function.ResponseSizeTooLarge", message, None)
    return {"status": "ok", "result": result}


def _failure(name: str, message: str, error: BaseException | None) -> dict[str, Any]:
    # The first frame is this file's own call.
    frames = traceback.format_tb(error.__traceback__)[1:] if error else []
    trace = "".join(["Traceback (most recent call last):\n", *frames]) if frames else ""
    sys.stderr.write(f"[ERROR] {name}: {message}\n{trace}")
    payload = {"errorMessage": message, "errorType": name, "stackTrace": frames}
    return {"status": "error", "payload": payload}


def _answer(answers: int, request_id: str, answer: dict[str, Any]) -> None:
    sys.stdout.flush()
    sys.stderr.write(f"{END_OF_LOG}{request_id}\n")
    sys.stderr.flush()
    line = json.dumps({**answer, "requestId": request_id}) + "\n"
    remaining = memoryview(line.encode())
    while remaining:
        remaining = remaining[os.write(answers, remaining) :]


if __name__ == "__main__":
    main()
