"""Plans one more scan of the source, for extra items whose source key nothing tells."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.observe import observed
from tableferry.runtime import runtime
from tableferry.verification.comparing_ports import bucket_objects
from tableferry.verification.planning_search import plan_search


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    return plan_search(
        run.steps, ports.checkpoints, ports.artifacts, run.name, objects=bucket_objects(ports)
    )
