"""Gives a destination that the run created what had to wait for verification."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.destination.preparing import finish_destination
from tableferry.observe import observed
from tableferry.runtime import runtime


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    finish_destination(
        run.steps, run.name, ports.tables.options(run.spec.destination, "destination")
    )
    return {}
