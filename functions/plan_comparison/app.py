"""Cuts the comparison into partitions, or lists those whose differences are looked at again."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.observe import observed
from tableferry.runtime import runtime
from tableferry.verification.comparing_ports import bucket_objects
from tableferry.verification.planning_comparison import plan_comparison


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    return plan_comparison(
        run.steps, ports.checkpoints, ports.artifacts, run.name, objects=bucket_objects(ports)
    )
