"""Keeps the task token until a person approves with `tableferry approve`."""

import time
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.observe import observed
from tableferry.runtime import runtime


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    step = {"taskToken": event["taskToken"], "at": time.time()}
    run.steps.record_step(run.name, "approval", step)
    return {}
