"""What the stack's roles may do, as IAM's policy simulation says."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tableferry.aws.refusals import translated
from tableferry.aws.session import Sessions
from tableferry.ports import StackRoles

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


class Roles:
    """The roles of the stack whose machine runs an execution. Nothing is kept between calls.

    `others` are functions that the machine does not call, by folder. Every call raises what
    `translated` raises.
    """

    def __init__(self, sessions: Sessions, execution_arn: str, others: Mapping[str, str]) -> None:
        self._sessions = sessions
        self._execution_arn = execution_arn
        self._others = others

    def stack(self) -> StackRoles:
        """The machine as this execution runs it, its functions, and the role of each."""
        with translated("states:DescribeStateMachineForExecution", self._execution_arn):
            machine = self._sessions.client("stepfunctions").describe_state_machine_for_execution(
                executionArn=self._execution_arn
            )
        functions = dict(_functions(json.loads(machine["definition"])))
        roles: dict[str, str] = {}
        for name, arn in {**functions, **self._others}.items():
            with translated("lambda:GetFunctionConfiguration", arn):
                answer = self._sessions.client("lambda").get_function_configuration(
                    FunctionName=arn
                )
            roles[name] = answer["Role"]
        return StackRoles(machine["stateMachineArn"], machine["roleArn"], functions, roles)

    def denied(self, role: str, actions: Sequence[str], resource: str) -> dict[str, str]:
        """Those of the actions that the role may not do: implicitDeny or explicitDeny."""
        with translated("iam:SimulatePrincipalPolicy", role):
            answer = self._sessions.client("iam").simulate_principal_policy(
                PolicySourceArn=role,
                ActionNames=list(dict.fromkeys(actions)),
                ResourceArns=[resource],
            )
        return {
            each["EvalActionName"]: each["EvalDecision"]
            for each in answer["EvaluationResults"]
            if each["EvalDecision"] != "allowed"
        }


def _functions(level: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The function of each task, by folder: `copy_segment` for the state CopySegment."""
    for name, state in level["States"].items():
        arn = state.get("Arguments", {}).get("FunctionName")
        if arn:
            yield _WORD.sub("_", name).lower(), arn
        if "ItemProcessor" in state:
            yield from _functions(state["ItemProcessor"])
