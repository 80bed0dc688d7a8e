"""Plans the repair of what verification found."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.model import Phase
from tableferry.observe import observed
from tableferry.repair.planning_repair import plan_repair
from tableferry.runs.closing import enter_phase
from tableferry.runtime import runtime


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    planned = plan_repair(run.steps, ports.checkpoints, ports.artifacts, run.name)
    # A run that only verifies comes from the first phase; repairs hold their leases in this one.
    enter_phase(ports.ledger, run.control, Phase.CLOSED)
    return planned
