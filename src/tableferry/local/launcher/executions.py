"""Gap: executions can be redriven, and end when they are stopped.

Stock: RedriveExecution is missing; a stopped execution's thread lives on in its state, and the
children of its distributed Map run to their end; histories over 25,000 events pass; a redrive would
use a definition deployed since; the status event calls an aborted execution not redrivable.
Sources: AWS Step Functions API reference, RedriveExecution; developer guide, "Redriving executions"
and "Service quotas".
"""

import contextvars
import copy
import json
import threading
from typing import Any

from ministack.core.responses import error_response_json, json_response, now_iso
from ministack.services import stepfunctions as sfn

from tableferry.local.launcher import patching, runs, status_events, tasks
from tableferry.local.launcher.runs import Execution, Run

Response = Any


def close() -> None:
    stock_handle_request = sfn.handle_request
    stock_describe = sfn._describe_execution

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, *query: Any
    ) -> Response:
        if headers.get("x-amz-target", "").endswith(".RedriveExecution"):
            return sfn._finalize_response(redrive_execution(json.loads(body)))
        return await stock_handle_request(method, path, headers, body, *query)

    def describe_execution(data: dict[str, Any]) -> Response:
        status, headers, body = stock_describe(data)
        if status != 200:
            return status, headers, body
        execution = sfn._executions[data["executionArn"]]
        return json_response({**json.loads(body), **runs.redrive_fields(execution)})

    replacements = (
        ("handle_request", handle_request, "efa6e8c4532a"),
        ("_describe_execution", describe_execution, "c3ad294ad8b5"),
        ("_run_execution", run_execution, "996dff84e0e0"),
        ("_stop_execution", stop_execution, "44d2d84ccd5c"),
        ("_add_event", runs.add_event, "b1db143ccd21"),
        ("_emit_execution_status_event", status_events.emit, "9c89e45693e3"),
    )
    for name, new, digest in replacements:
        patching.replace(sfn, name, new, digest=digest)


def run_execution(arn: str) -> None:
    """Stands in for MiniStack's thread function: run a new execution from its first state."""
    execution = sfn._executions.get(arn)
    if execution is None or execution["status"] != "RUNNING":
        return
    _drive(runs.begin(execution))


def redrive_execution(data: dict[str, Any]) -> Response:
    """RedriveExecution: a new run from the state that did not succeed, with that state's input."""
    arn = data.get("executionArn")
    execution = sfn._executions.get(arn)
    if execution is None:
        return error_response_json(
            "ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'", 400
        )
    with runs.lock:
        token = data.get("clientToken")
        if token and token in execution.get("_redrive_tokens", {}):
            return json_response({"redriveDate": execution["_redrive_tokens"][token]})
        fields = runs.redrive_fields(execution)
        if fields["redriveStatus"] != "REDRIVABLE":
            reason = fields.get(
                "redriveStatusReason", "Execution is redrivable by its Map Run only"
            )
            return error_response_json("ExecutionNotRedrivable", reason, 400)
        run = begin_redrive(execution)
        if token:
            execution.setdefault("_redrive_tokens", {})[token] = execution["redriveDate"]
    sfn._emit_execution_status_event(execution)
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(_drive, run), daemon=True).start()
    return json_response({"redriveDate": execution["redriveDate"]})


def begin_redrive(execution: Execution) -> Run:
    """A new run that continues at the execution's position; counted, dated, and in its history."""
    with runs.lock:
        run = runs.begin(execution)
        execution["redriveCount"] = execution.get("redriveCount", 0) + 1
        execution["redriveDate"] = now_iso()
        execution["_is_resumed"] = "_position" in execution
        execution["_resumed_map_runs"] = execution.pop("_map_runs", {})
        details = {"executionRedrivenEventDetails": {"redriveCount": execution["redriveCount"]}}
        runs.record(execution, "ExecutionRedriven", details)
        return run


def stop_execution(data: dict[str, Any]) -> Response:
    """StopExecution: ends the execution and the running children of its Map Run at once."""
    arn = data.get("executionArn")
    execution = sfn._executions.get(arn)
    if execution is None:
        return error_response_json(
            "ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'", 400
        )
    with runs.lock:
        if execution["status"] == "ABORTED":
            return json_response({"stopDate": execution["stopDate"]})
        if execution["status"] != "RUNNING":
            return error_response_json("ValidationException", "Execution is not running", 400)
        reason = {"error": data.get("error") or "", "cause": data.get("cause") or ""}
        runs.end(execution, "ABORTED", {"executionAbortedEventDetails": reason}, **reason)
        abort_map_runs(execution)
    sfn._emit_execution_status_event(execution)
    return json_response({"stopDate": execution["stopDate"]})


def abort_map_runs(execution: Execution) -> None:
    """End the execution's Map Runs and their running children; call with the lock held."""
    for map_run in execution.get("_map_runs", {}).values():
        map_run.abort()


def _drive(run: Run) -> None:
    """Run an execution to its end, in this thread."""
    execution = run.execution
    runs.current.set(run)
    try:
        definition = runs.definition_of(execution)
        context = _context(execution, definition)
        output = json.dumps(walk(run, definition, json.loads(execution["input"]), context))
        details: dict[str, Any] = {"executionSucceededEventDetails": {"output": output}}
        ended = runs.conclude(run, "SUCCEEDED", details, output=output)
    except runs.SupersededError:
        return
    except sfn._ExecutionError as error:
        ended = fail(run, error.error, error.cause)
    except Exception as error:
        sfn.logger.exception("Unexpected error in execution %s", execution["executionArn"])
        ended = fail(run, "States.Runtime", str(error))
    if ended:
        sfn._emit_execution_status_event(execution)


def fail(run: Run, error: str, cause: str) -> bool:
    """End the run as FAILED, unless it was superseded meanwhile."""
    details = {"executionFailedEventDetails": {"error": error, "cause": cause}}
    return runs.conclude(run, "FAILED", details, error=error, cause=cause)


def walk(run: Run, machine: dict[str, Any], machine_input: Any, context: dict[str, Any]) -> Any:
    """Run a machine's states, from the redriven one if there is one, and return the last one's
    output.
    """
    execution = run.execution
    name, value = machine.get("StartAt"), machine_input
    is_resumed = execution.pop("_is_resumed", False)
    if is_resumed:
        name, value, context["variables"] = copy.deepcopy(execution["_position"])
    while name is not None:
        run.require_current()
        state = machine.get("States", {}).get(name)
        if state is None:
            raise sfn._ExecutionError("States.Runtime", f"State '{name}' not found in definition")
        if not is_resumed:
            execution["_position"] = copy.deepcopy((name, value, context["variables"]))
            execution.update(_map_runs={}, _resumed_map_runs={})
            _enter(execution, name, state, value)
        is_resumed = False
        context["State"] = {"Name": name, "EnteredTime": now_iso(), "RetryCount": 0}
        value, following = _run_state(state, value, execution, context)
        tasks.require_size(value, f"The state '{name}' returned a result that")
        details = {"name": name, "output": json.dumps(value)}
        runs.add_event(
            execution, f"{state['Type']}StateExited", {"stateExitedEventDetails": details}
        )
        name = following
    return value


def _enter(execution: Execution, name: str, state: dict[str, Any], value: Any) -> None:
    details = {"name": name, "input": json.dumps(value)}
    runs.add_event(
        execution, f"{state.get('Type')}StateEntered", {"stateEnteredEventDetails": details}
    )


def _run_state(
    state: dict[str, Any], value: Any, execution: Execution, context: dict[str, Any]
) -> tuple[Any, str | None]:
    kind = state.get("Type")
    if kind == "Succeed":
        return sfn._apply_output_path(
            state, sfn._apply_input_path(state, value, context), context
        ), None
    if kind == "Fail":
        raise sfn._ExecutionError(*sfn._fail_state_error(state, value, context))
    if kind in ("Pass", "Choice", "Wait"):
        simple = {
            "Pass": sfn._execute_pass,
            "Choice": sfn._execute_choice,
            "Wait": sfn._execute_wait,
        }[kind]
        output, following = simple(state, value, context)
    elif kind in ("Task", "Parallel", "Map"):
        working = {
            "Task": sfn._execute_task,
            "Parallel": sfn._execute_parallel,
            "Map": sfn._execute_map,
        }[kind]
        output, following = working(state, value, execution, context)
    else:
        raise sfn._ExecutionError("States.Runtime", f"Unknown state type: {kind}")
    return output, following


def _context(execution: Execution, definition: dict[str, Any]) -> dict[str, Any]:
    """The context object of a top-level execution."""
    language = definition.get("QueryLanguage", "JSONPath")
    return context_object(execution, language, execution["stateMachineArn"].split(":")[-1])


def context_object(execution: Execution, query_language: str, machine_name: str) -> dict[str, Any]:
    """What `$$` shows to an execution's states, and its variables."""
    return {
        "QueryLanguage": query_language,
        "Execution": {
            "Id": execution["executionArn"],
            "Input": json.loads(execution["input"]),
            "Name": execution["name"],
            "StartTime": execution["startDate"],
            "RedriveCount": execution.get("redriveCount", 0),
        },
        "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine_name},
        "variables": {},
    }
