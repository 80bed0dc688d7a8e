"""What the console's page shows and does, as JSON documents; the engine alone is asked."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tableferry.aws.execution_details import ExecutionDetails
from tableferry.cli.approving import approve_migration
from tableferry.cli.console.positions import line_of
from tableferry.cli.looking import Looker
from tableferry.cli.refusing import refuse_early
from tableferry.cli.stack import Stack
from tableferry.cli.starting import start_execution
from tableferry.errors import InvalidSpecError, NotFoundError, Problem
from tableferry.spec import MigrationSpec, parse_text
from tableferry.transform.modules import FOLDER

_ENDED = frozenset({"SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"})


@dataclass(frozen=True, slots=True)
class Console:
    """One stack in the engine, and the inputs of `events/` as examples."""

    stack: Stack
    details: ExecutionDetails
    project: Path
    _lookers: dict[str, Looker] = field(default_factory=dict)

    def executions(self) -> dict[str, Any]:
        return {
            "stack": self.stack.name,
            "endpoint": self.stack.place.endpoint,
            "at": time.time(),
            "executions": self.details.newest(self.stack.machine_arn),
        }

    def execution(self, arn: str) -> dict[str, Any]:
        """Status, graph, payloads, Map Runs and the ledger's progress of one execution."""
        self._require_ours(arn)
        document = self.details.input(arn)
        looker = self._lookers.get(arn)
        if looker is None:
            looker = Looker(self.stack, str(document.get("migrationId", "")), arn)
            self._lookers[arn] = looker
        look = looker.look()
        payloads = self.details.payloads(arn)
        return {
            **look.to_json(),
            "executionStatus": look.state.status,
            "input": document,
            "output": look.state.output,
            "graph": drawn(self.stack.executions.definition(arn)),
            "payloads": {name: payload.to_json() for name, payload in payloads.items()},
            "mapRuns": [
                {"state": run.label, **self.details.map_run(run.arn)} for run in look.map_runs
            ],
        }

    def children(self, map_run_arn: str) -> dict[str, Any]:
        return {"children": self.details.children(map_run_arn)}

    def examples(self) -> dict[str, Any]:
        """The inputs of `events/`, by the words of their names."""
        paths = sorted(self.project.joinpath("events").glob("*.json"))
        return {
            "examples": [
                {"name": path.stem.replace("_", " "), "text": path.read_text(encoding="utf-8")}
                for path in paths
            ]
        }

    def validate(self, text: str) -> dict[str, Any]:
        """All problems of a spec, each with its line in the text."""
        try:
            self._parse(text)
        except InvalidSpecError as error:
            return {"problems": placed(text, error.problems)}
        return {"problems": []}

    def start(self, text: str) -> dict[str, Any]:
        """Starts an execution; raises what `tableferry start` refuses."""
        spec = self._parse(text)
        refuse_early(self.stack, spec)
        return {"arn": start_execution(self.stack, spec)}

    def stop(self, arn: str) -> dict[str, Any]:
        """What the Stop button of AWS's console does: StopExecution, which a redrive undoes."""
        self._require_ours(arn)
        self._require(arn, "stop", frozenset({"RUNNING"}), "it has ended")
        self.stack.executions.stop(arn, "by the Stop button of the local console")
        return {"arn": arn}

    def redrive(self, arn: str) -> dict[str, Any]:
        """What the Redrive button of AWS's console does: RedriveExecution."""
        self._require_ours(arn)
        self._require(arn, "redrive", _ENDED - {"SUCCEEDED"}, "only what did not succeed can be")
        if not self.stack.executions.redrive(arn):
            raise NotFoundError(
                "Step Functions can not redrive this execution any more",
                hint='start the same input with "resume": true',
            )
        return {"arn": arn}

    def approve(self, arn: str) -> dict[str, Any]:
        """What `tableferry approve` does: the migration may touch its destination."""
        self._require_ours(arn)
        self._require(arn, "approve", frozenset({"RUNNING"}), "it has ended")
        approve_migration(self.stack, self.stack.runs.run_of(arn) or arn)
        return {"arn": arn}

    def _parse(self, text: str) -> MigrationSpec:
        modules = self.project.joinpath(FOLDER).is_dir()
        return MigrationSpec.parse(parse_text(text), import_modules=modules)

    def _require_ours(self, arn: str) -> None:
        machine = self.stack.machine_arn.replace(":stateMachine:", ":execution:")
        if not arn.startswith(f"{machine}:"):
            raise NotFoundError(f"{arn} is no execution of the stack {self.stack.name}")

    def _require(self, arn: str, path: str, wanted: frozenset[str], rule: str) -> None:
        state = self.stack.executions.describe(arn)
        if state is None:
            raise NotFoundError(f"there is no execution {arn}")
        if state.status not in wanted:
            raise InvalidSpecError([Problem(path, state.status, rule, "look at its status")])


def placed(text: str, problems: tuple[Problem, ...]) -> list[dict[str, Any]]:
    """The problems with the line each is on, in the order of the text."""
    found = []
    for problem in problems:
        syntax = re.search(r"at line (\d+)", problem.rule) if problem.path == "$" else None
        line = int(syntax[1]) if syntax else line_of(text, problem.path)
        found.append({**problem.to_json(), "line": line})
    return sorted(found, key=lambda each: each["line"])


def drawn(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The state graph: each state with its type, comment and those that may follow."""
    return {
        "start": definition["StartAt"],
        "states": [
            {
                "name": name,
                "type": state["Type"],
                "comment": state.get("Comment", ""),
                "next": _following(state),
            }
            for name, state in definition["States"].items()
        ],
    }


def _following(state: Mapping[str, Any]) -> list[str]:
    named = [state.get("Next"), *(each["Next"] for each in state.get("Choices", ()))]
    named += [state.get("Default"), *(each["Next"] for each in state.get("Catch", ()))]
    return list(dict.fromkeys(name for name in named if name))
