"""The deployed stack: where its state machine, ledger and artifacts bucket are."""

from dataclasses import dataclass
from typing import Any

from tableferry.aws.refusals import translated
from tableferry.errors import NotFoundError, RequestRefusedError

# DescribeStacks answers so for a stack that is not there [CFN DescribeStacks].
_NO_SUCH_STACK = "ValidationError"
_OUTPUTS = ("MigrateStateMachineArn", "ArtifactsBucketName", "LedgerTableName")


@dataclass(frozen=True, slots=True)
class StackOutputs:
    """What `template.yaml` says of what it deployed."""

    machine_arn: str
    artifacts_bucket: str
    ledger_table: str


def stack_outputs(client: Any, stack_name: str) -> StackOutputs:
    """The outputs of the stack; raises NotFoundError where it is not there, or is another one."""
    hint = (
        "deploy it (sam build && sam deploy), or name another with --stack-name or TABLEFERRY_STACK"
    )
    try:
        with translated("cloudformation:DescribeStacks", f"stack {stack_name}"):
            answer = client.describe_stacks(StackName=stack_name)
    except RequestRefusedError as error:
        if error.code == _NO_SUCH_STACK:
            raise NotFoundError(f"there is no stack named {stack_name}", hint=hint) from error
        raise
    stack = answer["Stacks"][0]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())}
    missing = [name for name in _OUTPUTS if name not in outputs]
    if missing:
        raise NotFoundError(
            f"the stack {stack_name} ({stack['StackStatus']}) has no output {', '.join(missing)}",
            hint=hint,
        )
    return StackOutputs(*(outputs[name] for name in _OUTPUTS))
