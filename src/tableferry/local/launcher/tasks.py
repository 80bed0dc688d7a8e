"""Gap: tasks fail with AWS's limits and error names.

Stock: inputs and results over 256 KiB pass, `States.ALL` matches what nothing but its own name
matches, and a throttled invocation is `Lambda.Unknown`. Source: AWS Step Functions developer guide,
"Error names" and "Service quotas".
"""

import json
from typing import Any

from ministack.services import stepfunctions as sfn

from tableferry.local.launcher import patching

MAX_PAYLOAD_BYTES = 262_144
# How the Lambda integration names a throttled invocation.
THROTTLED = "Lambda.TooManyRequestsException"
# Errors that `States.ALL` does not match.
UNMATCHED_BY_ALL = ("States.DataLimitExceeded", "States.Runtime")


def close() -> None:
    stock_matches = sfn._error_matches
    stock_invoke = sfn._invoke_resource
    stock_call = sfn._call_lambda

    def error_matches(error_equals: list[str], error: str) -> bool:
        if error in UNMATCHED_BY_ALL:
            return error in error_equals
        return bool(stock_matches(error_equals, error))

    def call_lambda(function: str, event: Any) -> Any:
        try:
            return stock_call(function, event)
        except sfn._ExecutionError as error:
            if '"__type": "TooManyRequestsException"' in error.cause:
                raise sfn._ExecutionError(THROTTLED, error.cause) from None
            raise

    def invoke_resource(resource: str, input_data: Any) -> Any:
        require_size(input_data, f"The input of the task {resource}")
        result = stock_invoke(resource, input_data)
        require_size(result, f"The result of the task {resource}")
        return result

    replacements = (
        ("_error_matches", error_matches, "519b9dc729c5"),
        ("_call_lambda", call_lambda, "25830369b126"),
        ("_invoke_resource", invoke_resource, "a85d2be9a858"),
    )
    for name, new, digest in replacements:
        patching.replace(sfn, name, new, digest=digest)


def require_size(value: Any, what: str) -> None:
    """Raise States.DataLimitExceeded for a payload that AWS would refuse."""
    if len(json.dumps(value, ensure_ascii=False).encode()) > MAX_PAYLOAD_BYTES:
        raise sfn._ExecutionError(
            "States.DataLimitExceeded",
            f"{what} has a size exceeding the maximum number of bytes service limit.",
        )
