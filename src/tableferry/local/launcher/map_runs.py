"""Gap: a distributed Map as AWS runs it.

Stock: `MaxConcurrencyPath` is ignored, a child sees the parent's execution and variables, a failed
child leaves its siblings running, nothing of a Map Run can be redriven, ResultWriter writes
nothing, and what is not implemented is ignored. Sources: AWS Step Functions developer guide, "Map
state in Distributed mode", "Redriving Map Runs", "ResultWriter"; `aws-facts.md` holds the
extracts.
"""

import contextvars
import hashlib
import json
import threading
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid, now_iso
from ministack.services import stepfunctions as sfn

from tableferry.local.launcher import executions, map_results, patching, runs, tasks
from tableferry.local.launcher.map_states import MapState, State
from tableferry.local.launcher.runs import Execution, Run

# AWS starts up to 10,000 children where no limit is given; each is a process here.
DEFAULT_CONCURRENCY = 64
COUNTS = (
    "pending",
    "running",
    "succeeded",
    "failed",
    "timedOut",
    "aborted",
    "total",
    "resultsWritten",
    "failuresNotRedrivable",
    "pendingRedrive",
)
NOT_IMPLEMENTED = ("ItemBatcher", "Items", "Arguments", "Output", "Assign")


def close() -> None:
    patching.replace(sfn, "_run_distributed_map", run_distributed_map, digest="2b77d3ec0e04")


def run_distributed_map(  # noqa: PLR0917 - MiniStack's signature
    state: State,
    raw_input: Any,
    effective: Any,
    iterator: State,
    execution: Execution,
    context: dict[str, Any],
) -> tuple[Any, str | None]:
    """Stands in for MiniStack's: run the children, after a redrive those that did not succeed."""
    refused = [name for name in NOT_IMPLEMENTED if name in state]
    if refused:
        raise sfn._ExecutionError(
            "States.Runtime", f"{', '.join(refused)} of a distributed Map: not in this engine"
        )
    map_state = MapState(state, effective, context)
    label = state.get("Label") or hashlib.sha256(json.dumps(state).encode()).hexdigest()[:8]
    map_run = execution.get("_resumed_map_runs", {}).pop(label, None)
    if map_run is None or map_run.record["status"] == "SUCCEEDED":
        map_run = MapRun(label, map_state, iterator, execution)
        kind, details = "MapRunStarted", {"mapRunArn": map_run.arn}
    else:
        map_run.redrive()
        count = map_run.record["redriveCount"]
        kind, details = "MapRunRedriven", {"mapRunArn": map_run.arn, "redriveCount": count}
    execution.setdefault("_map_runs", {})[label] = map_run
    runs.add_event(execution, kind, {f"{kind[0].lower()}{kind[1:]}EventDetails": details})
    output = map_run.run(map_state)
    selected = sfn._apply_result_selector(state, output)
    result = sfn._apply_result_path(state, raw_input, selected)
    return sfn._apply_output_path(state, result, context), sfn._next_or_end(state)


class MapRun:
    """The children of one distributed Map state, and the record that DescribeMapRun shows."""

    def __init__(self, label: str, map_state: MapState, iterator: State, parent: Execution) -> None:
        self._machine = iterator
        self._parent = parent
        self._language = map_state.context["QueryLanguage"]
        machine_arn = parent["stateMachineArn"].split(":")
        self._name = f"{machine_arn[6]}/{label}"
        self._prefix = f"arn:aws:states:{get_region()}:{get_account_id()}"
        self.arn = f"{self._prefix}:mapRun:{self._name}:{new_uuid()}"
        self._inputs = map_state.child_inputs()
        self.children: list[Execution | None] = [None] * len(self._inputs)
        self._changed = threading.Condition(runs.lock)
        self._failed = False
        self._running = 0
        self._run: Run | None = None
        count = len(self._inputs)
        zero = dict.fromkeys(COUNTS, 0) | {"total": count, "pending": count}
        self.record: dict[str, Any] = {
            "mapRunArn": self.arn,
            "executionArn": parent["executionArn"],
            "status": "RUNNING",
            "startDate": now_iso(),
            "maxConcurrency": int(map_state.number("MaxConcurrency")),
            "toleratedFailurePercentage": map_state.number("ToleratedFailurePercentage"),
            "toleratedFailureCount": int(map_state.number("ToleratedFailureCount")),
            "itemCounts": dict(zero),
            "executionCounts": dict(zero),
            "redriveCount": 0,
            "_stateMachineArn": f"{self._prefix}:stateMachine:{self._name}",
        }
        sfn._map_runs[self.arn] = self.record

    def redrive(self) -> None:
        """Make ready for another run: what did not succeed is pending again."""
        with runs.lock:
            self._failed = False
            self.record.update(status="RUNNING", redriveDate=now_iso())
            self.record["redriveCount"] += 1
            self.record.pop("stopDate", None)
            self._count(is_redrive=True)

    def run(self, map_state: MapState) -> Any:
        """Run what is pending; the Map's result, or States.ExceedToleratedFailureThreshold."""
        parent_run = self._run = runs.current.get()
        waiting = [index for index in range(len(self._inputs)) if not self._has_succeeded(index)]
        waiting.reverse()
        with self._changed:
            try:
                self._run_children(waiting, parent_run)
            except runs.SupersededError:
                # Unless a redrive has taken this Map Run over already, nobody else will end it.
                if self._run is parent_run:
                    self.abort()
                raise
            if self._failed:
                self._abort_children()
            self.record.update(status="FAILED" if self._failed else "SUCCEEDED", stopDate=now_iso())
            self._count()
        self._announce_end()
        destination = map_results.write(map_state, self.arn, self.children)
        if self._failed:
            raise sfn._ExecutionError(
                "States.ExceedToleratedFailureThreshold",
                "The specified tolerated failure threshold was exceeded",
            )
        return destination or [self._output(child) for child in self.children]

    def _run_children(self, waiting: list[int], parent_run: Run | None) -> None:
        """Keep as many children running as allowed, until all have ended or one too many failed."""
        while (waiting or self._running) and not self._failed:
            if parent_run is not None:
                parent_run.require_current()
            limit = self.record["maxConcurrency"] or DEFAULT_CONCURRENCY
            while waiting and self._running < limit:
                self._start(waiting.pop())
            # UpdateMapRun does not notify: look at the limit again after a second.
            self._changed.wait(timeout=1)

    def abort(self) -> None:
        """End the run and its running children, because the parent was stopped; call with the lock
        held.
        """
        if self.record["status"] == "RUNNING":
            self._abort_children()
            self.record.update(status="ABORTED", stopDate=now_iso())
            self._count()
            self._changed.notify_all()

    def _start(self, index: int) -> None:
        child = self.children[index]
        if child is None:
            child = self.children[index] = self._new_child(self._inputs[index])
            run = runs.begin(child)
        else:
            run = executions.begin_redrive(child)
        self._running += 1
        self._move("pending", "running")
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._drive, run), daemon=True).start()

    def _new_child(self, child_input: Any) -> Execution:
        name = new_uuid()
        text = json.dumps(child_input)
        child: Execution = {
            "executionArn": f"{self._prefix}:execution:{self._name}:{name}",
            "stateMachineArn": self.record["_stateMachineArn"],
            "name": name,
            "startDate": now_iso(),
            "input": text,
            "inputDetails": {"included": True},
            "outputDetails": {"included": True},
            "mapRunArn": self.arn,
            "events": [],
            "testCase": self._parent.get("testCase"),
            "mockAttempts": {},
        }
        runs.record(child, "ExecutionStarted", {"executionStartedEventDetails": {"input": text}})
        sfn._executions[child["executionArn"]] = child
        return child

    def _drive(self, run: Run) -> None:
        runs.current.set(run)
        child = run.execution
        try:
            tasks.require_size(json.loads(child["input"]), "The input of the child execution")
            context = executions.context_object(child, self._language, self._name)
            output = executions.walk(run, self._machine, json.loads(child["input"]), context)
            text = json.dumps(output)
            details = {"executionSucceededEventDetails": {"output": text}}
            ended = runs.conclude(run, "SUCCEEDED", details, output=text)
        except runs.SupersededError:
            return
        except sfn._ExecutionError as error:
            ended = executions.fail(run, error.error, error.cause)
        except Exception as error:
            sfn.logger.exception("Unexpected error in child %s", child["executionArn"])
            ended = executions.fail(run, "States.Runtime", str(error))
        with self._changed:
            if ended:
                self._running -= 1
                self._move("running", "succeeded" if child["status"] == "SUCCEEDED" else "failed")
                self._failed = self._failed or self._exceeds_tolerance()
                self._changed.notify_all()

    def _exceeds_tolerance(self) -> bool:
        failed = self.record["itemCounts"]["failed"]
        count = self.record["toleratedFailureCount"]
        percentage = self.record["toleratedFailurePercentage"]
        if not count and not percentage:
            return bool(failed)
        by_count = bool(count) and failed > count
        return by_count or (bool(percentage) and failed * 100 > percentage * len(self._inputs))

    def _abort_children(self) -> None:
        details = {"executionAbortedEventDetails": {"error": "", "cause": ""}}
        for child in self.children:
            if child is not None and child["status"] == "RUNNING":
                executions.abort_map_runs(child)
                runs.end(child, "ABORTED", details)
        self._running = 0

    def _announce_end(self) -> None:
        if self._failed:
            error = "States.ExceedToleratedFailureThreshold"
            details = {
                "error": error,
                "cause": "The specified tolerated failure threshold was exceeded",
            }
            runs.add_event(self._parent, "MapRunFailed", {"mapRunFailedEventDetails": details})
        else:
            runs.add_event(self._parent, "MapRunSucceeded")

    def _has_succeeded(self, index: int) -> bool:
        child = self.children[index]
        return child is not None and child["status"] == "SUCCEEDED"

    def _output(self, child: Execution | None) -> Any:
        """A failure that was tolerated leaves the error in the place of the output."""
        assert child is not None
        if child["status"] == "SUCCEEDED":
            return json.loads(child["output"])
        return {"Error": child.get("error"), "Cause": child.get("cause")}

    def _move(self, before: str, after: str) -> None:
        for counts in (self.record["itemCounts"], self.record["executionCounts"]):
            counts[before] -= 1
            counts[after] += 1

    def _count(self, *, is_redrive: bool = False) -> None:
        counts = dict.fromkeys(COUNTS, 0) | {"total": len(self._inputs)}
        for child in self.children:
            is_pending = child is None or (is_redrive and child["status"] != "SUCCEEDED")
            counts["pending" if child is None or is_pending else child["status"].lower()] += 1
        self.record["itemCounts"] = dict(counts)
        self.record["executionCounts"] = dict(counts)
